"""An Efergy account's calls: made within their budget, and counted across restarts."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.util import dt as dt_util

from ...clouds.efergy.client import EfergyClient
from ...clouds.errors import CloudQuotaError
from ..budget import DAY, HOUR, CallBudget, CallKind
from ..store import AccountStore

ROOM: Final = 15
"""Polls that have spent our own limit wait until so many calls more are free."""

_SAVE_SOON_S: Final = 10.0


class EfergyCalls:
    """Asks an account's cloud for as long as its budget lasts."""

    def __init__(self, client: EfergyClient, store: AccountStore) -> None:
        """Begin without a call; the store is asked to save after each."""
        self.client = client
        self._store = store
        self._budget = CallBudget()
        self._first_data: datetime | None = None

    @property
    def last_hour(self) -> int:
        """Return how many calls were made in the last hour."""
        return self._budget.count(HOUR, dt_util.utcnow())

    @property
    def last_day(self) -> int:
        """Return how many calls were made in the last day."""
        return self._budget.count(DAY, dt_util.utcnow())

    async def async_live[T](self, ask: Callable[[EfergyClient], Awaitable[T]]) -> T:
        """Make one call for what is now. Raises CloudQuotaError where the budget is spent."""
        now = dt_util.utcnow()
        if self._budget.wait(CallKind.LIVE, now) > timedelta():
            # One call that has become free ends no wait: the next poll would begin another.
            raise _limit_reached(self._budget.wait(CallKind.LIVE, now, spare=ROOM))
        self._budget.record(CallKind.LIVE, now)
        self._store.save()
        return await ask(self.client)

    async def async_history[T](
        self, ask: Callable[[EfergyClient], Awaitable[T]], *, spare: int = 0
    ) -> T:
        """Make one call for history within its own budget, of which `spare` calls stay.

        Raises CloudQuotaError, without a call, where the budget is spent, else what the
        client raises.
        """
        now = dt_util.utcnow()
        wait = self._budget.wait(CallKind.HISTORY, now, spare=spare)
        if wait > timedelta():
            raise _limit_reached(wait)
        self._budget.record(CallKind.HISTORY, now)
        self._store.save(within_s=_SAVE_SOON_S)
        return await ask(self.client)

    async def async_first_data(self, *, spare: int = 0) -> datetime | None:
        """Return when the household's data begin, asked for until there is an answer.

        Raises what `async_history` does.
        """
        if self._first_data is None:
            self._first_data = await self.async_history(
                EfergyClient.first_data, spare=spare
            )
            self._store.save(within_s=_SAVE_SOON_S)
        return self._first_data

    def restore(self, stored: Mapping[str, Any]) -> None:
        """Go on from what another run has stored."""
        self._budget = CallBudget.from_data(stored["budget"])
        if (first := stored.get("first_data")) is not None:
            self._first_data = dt_util.parse_datetime(first)

    def as_data(self, now: datetime) -> dict[str, Any]:
        """Return what the next run has to know."""
        return {
            "budget": self._budget.as_data(now),
            "first_data": self._first_data and self._first_data.isoformat(),
        }


def _limit_reached(wait: timedelta) -> CloudQuotaError:
    """Return what is raised in the place of a call that the budget does not allow."""
    return CloudQuotaError("our own limit of calls is reached", wait)
