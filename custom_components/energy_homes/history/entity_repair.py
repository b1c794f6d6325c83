"""Holes of a meter that is an entity: what Home Assistant itself recorded of it."""

from collections.abc import Sequence
from datetime import timedelta
import logging
from typing import TYPE_CHECKING

from homeassistant.components.recorder import get_instance
from homeassistant.helpers import entity_registry as er
from sqlalchemy.exc import SQLAlchemyError

from ..ledger.codes import from_seconds, row_of
from ..metering.gap_fill import Answer
from ..metering.gaps import Hole, cut, days_of, without
from ..metering.model import Slot
from ..meters.entity_history import async_entity_slots, async_statistic_answers
from ..models import Revision
from ..statistics.reading import async_has_recorder
from .problem import Problem

if TYPE_CHECKING:
    from .repair import Job

_LOGGER = logging.getLogger(__name__)


async def async_ask(job: Job, revision: Revision, holes: Sequence[Hole]) -> None:
    """Fill holes from an entity's recorded states, else from its long-term statistics.

    A day after the other. Statistics know nothing of Home Assistant having been off or an
    entity unavailable: they are taken only where states are kept no longer, and nobody has
    looked at them while they were.
    """
    if not async_has_recorder(job.hass):
        job.repair.problem = Problem.RECORDER
        return
    entity_id = er.async_resolve_entity_id(
        er.async_get(job.hass), revision.entity or ""
    )
    asked = await job.async_asked()
    for part in cut(holes, days_of(holes)):
        slots: list[Slot] = []
        answers: list[Answer] = []
        begin, end = from_seconds(part.start), from_seconds(part.stop)
        try:
            if entity_id is not None:
                slots = await async_entity_slots(job.hass, entity_id, begin, end)
                if (
                    not slots
                    and _is_purged(job, part)
                    and without([part], asked) == [part]
                ):
                    answers = await async_statistic_answers(
                        job.hass, entity_id, begin, end
                    )
        except SQLAlchemyError as err:
            _LOGGER.debug("History of %s: %s", job.source.name, err)
            job.repair.problem = Problem.RECORDER
            return
        await job.async_take([row_of(slot) for slot in slots])
        await job.async_fill([part], answers)


def _is_purged(job: Job, part: Hole) -> bool:
    """Return whether the recorder keeps no states of a time any more."""
    keep = timedelta(days=get_instance(job.hass).keep_days)
    return from_seconds(part.stop) <= job.now - keep
