"""A meter's past that somebody gives at once: it fills what is not known, and no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from homeassistant.util import dt as dt_util

from ..ledger import Ledger
from ..ledger.codes import seconds
from ..metering.backfill_plan import COARSE_S
from ..metering.gap_fill import Answer
from ..metering.gaps import slots_in
from ..metering.model import slot_start
from ..metering.periods import SLOT_S
from .reader import Told, async_missing, async_take_answers
from .repaired import RIPE

if TYPE_CHECKING:
    from ..homes.home import Home

_MOST_S: Final = COARSE_S
"""So much is committed at once, so that live slots do not wait for years of the past."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How many slots were missing where something was given, and how many it filled."""

    found: int = 0
    filled: int = 0


async def async_take_given(
    ledger: Ledger,
    home: Home,
    source_id: str,
    answers: Sequence[Answer],
    start: datetime | None,
    end: datetime | None,
) -> Taken:
    """Fill the slots of a meter in `[start, end)` with answers, newest first.

    Only the span of answers that are known, and what is over for a while. Raises
    LedgerError and NotNowError; what was committed by then stays.
    """
    known = [answer for answer in answers if answer.energy is not None]
    if not known:
        return Taken()
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
        holes = await async_missing(ledger, source_id, begin_s, newest_s)
        if holes:
            part = [
                answer
                for answer in known
                if answer.start_s < newest_s and answer.end_s > begin_s
            ]
            found += slots_in(holes)
            filled += await async_take_answers(
                ledger, home, source_id, holes, Told(answers=part, origin="given")
            )
        newest_s = begin_s
    return Taken(found, filled)
