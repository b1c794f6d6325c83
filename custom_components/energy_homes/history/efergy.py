"""An Efergy meter's past: its own series, else the household's where it is the only meter."""

from datetime import datetime
from functools import partial
import logging
from typing import Final

from ..accounts.efergy.hub import EfergyHub
from ..clouds.efergy.client import EfergyClient
from ..clouds.efergy.history import SUM_HALF_UNIT, household_answers, instants
from ..clouds.errors import CloudAuthError, CloudError, CloudQuotaError
from ..metering.backfill_plan import Chunk
from ..metering.gap_fill import Answer, trusted
from ..metering.gap_plan import HOUR_S, Call
from ..metering.model import MeterRole
from .efergy_repair import async_series
from .reader import Told

_LOGGER = logging.getLogger(__name__)

SPARE_CALLS: Final = 20
"""So many of the day's calls for history stay for holes, which are newer than any past."""

METER: Final = "meter"
HOUSEHOLD: Final = "household"


class EfergyPast:
    """Asks an Efergy account for the past of one of its meters."""

    def __init__(
        self,
        hub: EfergyHub,
        sid: str,
        role: MeterRole,
        *,
        newest_s: int,
        household_first: bool = False,
    ) -> None:
        """Ask for a meter in a role.

        What ends after `newest_s` is not whole yet. `household_first` where only that had
        answers before.
        """
        self._hub = hub
        self._sid = sid
        self._role = role
        self._newest_s = newest_s
        self._origins = [METER]
        if role is MeterRole.GRID and hub.sole_meter == sid:
            self._origins.insert(0 if household_first else 1, HOUSEHOLD)

    async def async_first(self) -> datetime | None:
        """Return when the household's data begin."""
        return await self._hub.async_first_data(spare=SPARE_CALLS)

    async def async_chunk(self, chunk: Chunk) -> Told:
        """Return the buckets of the first one that has any, newest minutes or hours.

        Raises CloudError by kind where nobody has, and one of them could not be asked.
        """
        failure: CloudError | None = None
        for calls, origin in enumerate(self._origins, 1):
            ask = self._async_series if origin == METER else self._async_household
            try:
                answers = await ask(chunk)
            except CloudQuotaError, CloudAuthError:
                raise
            except CloudError as err:
                _LOGGER.debug("The past of %s %s: %s", origin, self._sid, err)
                failure = err
                continue
            if any(answer.energy is not None for answer in answers):
                return Told(
                    answers=trusted(
                        one for one in answers if one.end_s <= self._newest_s
                    ),
                    origin=origin,
                    calls=calls,
                    half_unit=SUM_HALF_UNIT if origin == HOUSEHOLD else 0,
                )
        if failure is not None:
            raise failure
        return Told(answers=(), origin="", calls=len(self._origins))

    async def _async_series(self, chunk: Chunk) -> list[Answer]:
        """Return what the vendor has of the meter itself."""
        call = Call(chunk.start_s, chunk.end_s) if chunk.fine else _wide(chunk)
        return await async_series(
            self._hub,
            self._sid,
            self._role,
            call,
            bucket="minute" if chunk.fine else "hour",
            spare=SPARE_CALLS,
        )

    async def _async_household(self, chunk: Chunk) -> list[Answer]:
        """Return what the vendor has of the household, hour by hour."""
        call = _wide(chunk)
        start, end = instants(call)
        found = await self._hub.async_history(
            partial(EfergyClient.series, start=start, end=end, aggregate_period="hour"),
            spare=SPARE_CALLS,
        )
        return household_answers(found, call)


def _wide(chunk: Chunk) -> Call:
    """Return a question for the hours of a span and for their neighbours.

    A neighbour that is not known says that an hour may not be whole.
    """
    return Call(chunk.start_s - HOUR_S, chunk.end_s + HOUR_S)
