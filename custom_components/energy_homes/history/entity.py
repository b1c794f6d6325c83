"""What Home Assistant itself recorded of a meter that is an entity."""

from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.components.recorder import get_instance
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from sqlalchemy.exc import SQLAlchemyError

from ..ledger.codes import from_seconds, row_of
from ..metering.backfill_plan import Chunk
from ..metering.gap_fill import Answer
from ..metering.gaps import Gap, cut, days_of, without
from ..metering.periods import SLOT_S, SlotRow
from ..meters.entity_history import (
    async_entity_slots,
    async_statistic_answers,
    async_statistic_first,
)
from ..models import HistoryAnswer, MeterSource, NotNowError, Problem, Revision
from ..statistics.reading import async_has_recorder

_LOGGER = logging.getLogger(__name__)

RECORDER: Final = "recorder"


def open_history(
    hass: HomeAssistant, source: MeterSource, revision: Revision
) -> EntityHistory:
    """Return the history of a meter that is an entity, by the id that it has now."""
    entity_id = er.async_resolve_entity_id(er.async_get(hass), revision.entity or "")
    return EntityHistory(hass, source, entity_id)


class EntityHistory:
    """Asks the recorder for the power or energy of an entity."""

    def __init__(
        self, hass: HomeAssistant, source: MeterSource, entity_id: str | None
    ) -> None:
        """Ask for an entity that is the source; None where it is gone."""
        self._hass = hass
        self._source = source
        self._entity_id = entity_id

    @property
    def exists(self) -> bool:
        """Return whether the entity is still there."""
        return self._entity_id is not None

    async def async_first(self) -> datetime | None:
        """Return where its statistics begin; states without any go ten days back."""
        if self._entity_id is None:
            return None
        try:
            return await async_statistic_first(self._hass, self._entity_id)
        except SQLAlchemyError as err:
            raise NotNowError(Problem.RECORDER) from err

    async def async_chunk(
        self, chunk: Chunk, origins: Collection[str] = ()
    ) -> HistoryAnswer:
        """Return what statistics know, and states of the newest day.

        States of an earlier time are read only where there are no statistics: they may be
        many, and are not kept for long.
        """
        if self._entity_id is None:
            return HistoryAnswer(origin=RECORDER)
        span = (from_seconds(chunk.start_s), from_seconds(chunk.end_s))
        try:
            answers = await async_statistic_answers(self._hass, self._entity_id, *span)
            if chunk.fine or not answers:
                slots = await async_entity_slots(self._hass, self._entity_id, *span)
                answers = _with_slots(answers, map(row_of, slots))
        except SQLAlchemyError as err:
            raise NotNowError(Problem.RECORDER) from err
        return HistoryAnswer(answers=answers, origin=RECORDER)

    async def async_gaps(
        self, gaps: Sequence[Gap], asked: Sequence[Gap]
    ) -> AsyncGenerator[HistoryAnswer]:
        """Yield an entity's recorded states, else its long-term statistics.

        A day after the other. Statistics know nothing of Home Assistant having been off or
        an entity unavailable: they are taken only where states are kept no longer, and
        nobody has looked at them while they were.
        """
        if not async_has_recorder(self._hass):
            yield HistoryAnswer(problem=Problem.RECORDER)
            return
        for part in cut(gaps, days_of(gaps)):
            try:
                answer = await self._async_part(part, asked)
            except SQLAlchemyError as err:
                _LOGGER.debug("History of %s: %s", self._source.name, err)
                yield HistoryAnswer(problem=Problem.RECORDER)
                return
            yield answer

    async def _async_part(self, part: Gap, asked: Sequence[Gap]) -> HistoryAnswer:
        """Return what is known of a gap. Raises SQLAlchemyError."""
        if self._entity_id is None:
            return HistoryAnswer(asked=[part])
        span = (from_seconds(part.start), from_seconds(part.stop))
        slots = await async_entity_slots(self._hass, self._entity_id, *span)
        answers: Sequence[Answer] = ()
        if not slots and self._is_purged(part) and without([part], asked) == [part]:
            answers = await async_statistic_answers(self._hass, self._entity_id, *span)
        return HistoryAnswer(
            slots=[row_of(slot) for slot in slots], answers=answers, asked=[part]
        )

    def _is_purged(self, part: Gap) -> bool:
        """Return whether the recorder keeps no states of a time any more."""
        keep = timedelta(days=get_instance(self._hass).keep_days)
        return from_seconds(part.stop) <= dt_util.utcnow() - keep


def _with_slots(answers: Iterable[Answer], slots: Iterable[SlotRow]) -> list[Answer]:
    """Return answers with slots that are known, in place of answers of the same five minutes."""
    known = {row.start_s: row for row in slots}
    return [
        answer
        for answer in answers
        if answer.end_s - answer.start_s > SLOT_S or answer.start_s not in known
    ] + [
        Answer(start, start + SLOT_S, row.energy, row.returned or 0)
        for start, row in known.items()
    ]
