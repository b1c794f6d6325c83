"""An entity's past: what Home Assistant's own recorder has of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from homeassistant.core import HomeAssistant
from sqlalchemy.exc import SQLAlchemyError

from ..ledger.codes import from_seconds, row_of
from ..metering.backfill_plan import Chunk
from ..metering.gap_fill import Answer
from ..metering.periods import SLOT_S, SlotRow
from ..meters.entity_history import (
    async_entity_slots,
    async_statistic_answers,
    async_statistic_first,
)
from .problem import NotNowError, Problem
from .reader import Told

RECORDER: Final = "recorder"


class EntityPast:
    """Asks the recorder for the past of an entity of power or energy."""

    def __init__(self, hass: HomeAssistant, entity_id: str) -> None:
        """Ask for an entity by its present id."""
        self._hass = hass
        self._entity_id = entity_id

    async def async_first(self) -> datetime | None:
        """Return where its statistics begin; states without any go ten days back."""
        try:
            return await async_statistic_first(self._hass, self._entity_id)
        except SQLAlchemyError as err:
            raise NotNowError(Problem.RECORDER) from err

    async def async_chunk(self, chunk: Chunk) -> Told:
        """Return what statistics know, and states of the newest day.

        States of an earlier time are read only where there are no statistics: they may be
        many, and are not kept for long.
        """
        span = (from_seconds(chunk.start_s), from_seconds(chunk.end_s))
        try:
            answers = await async_statistic_answers(self._hass, self._entity_id, *span)
            if chunk.fine or not answers:
                slots = await async_entity_slots(self._hass, self._entity_id, *span)
                answers = _with_slots(answers, map(row_of, slots))
        except SQLAlchemyError as err:
            raise NotNowError(Problem.RECORDER) from err
        return Told(answers=answers, origin=RECORDER, calls=0)


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
