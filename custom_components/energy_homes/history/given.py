"""A meter's past that somebody gives at once: it fills what is not known, and no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from homeassistant.util import dt as dt_util

from ..ledger.codes import seconds
from ..metering.backfill_plan import COARSE_S
from ..metering.gap_fill import Answer
from ..metering.gap_plan import RIPE
from ..metering.gaps import slots_in
from ..metering.model import slot_start
from ..metering.periods import SLOT_S
from ..models import HistoryAnswer
from .meter_slots import MeterSlots

_MOST_S: Final = COARSE_S
"""So much is committed at once, so that live slots do not wait for years of the past."""


@dataclass(frozen=True, slots=True)
class Filled:
    """How many slots were missing where something was given, and how many it filled."""

    found: int = 0
    filled: int = 0


async def async_take_given(
    slots: MeterSlots,
    answers: Sequence[Answer],
    start: datetime | None,
    end: datetime | None,
) -> Filled:
    """Fill the slots of a meter in `[start, end)` with answers, newest first.

    Only the span of answers that are known, and what is over for a while. Raises
    LedgerError and NotNowError; what was committed by then stays.
    """
    known = [answer for answer in answers if answer.energy is not None]
    if not known:
        return Filled()
    first_s = min(answer.start_s for answer in known)
    newest_s = max(answer.end_s for answer in known)
    if start is not None:
        first_s = max(first_s, seconds(start))
    if end is not None:
        newest_s = min(newest_s, seconds(end))
    first_s = first_s // SLOT_S * SLOT_S
    newest_s = min(
        -(-newest_s // SLOT_S) * SLOT_S, seconds(slot_start(dt_util.utcnow() - RIPE))
    )
    found = filled = 0
    while first_s < newest_s:
        begin_s = max(first_s, newest_s - _MOST_S)
        gaps = await slots.async_missing(begin_s, newest_s)
        if gaps:
            part = [
                answer
                for answer in known
                if answer.start_s < newest_s and answer.end_s > begin_s
            ]
            found += slots_in(gaps)
            filled += await slots.async_take(gaps, HistoryAnswer(answers=part))
        newest_s = begin_s
    return Filled(found, filled)
