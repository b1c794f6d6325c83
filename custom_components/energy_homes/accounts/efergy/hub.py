"""An Efergy account: one conversation with the cloud for all of its meters."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ...clouds.efergy.client import EfergyClient
from ...clouds.errors import (
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from ...const import CONF_SERVER, DOMAIN, EfergyServer, EntryKind
from ...metering.model import PowerReading
from ..budget import DAY, HOUR, CallBudget, CallKind
from ..chance import async_chance
from ..conversation import Conversation
from ..patience import Patience
from ..polled import PolledAccount
from ..registry import Accounts, AccountState, MeterInfo, MeterUpdate
from .inventory import Inventory
from .phase import INTERVAL, PhaseTracker, plan_polls
from .server import base_url

_LOGGER = logging.getLogger(__name__)

SUMMARY_IS_DEAD: Final = 3
"""So many failures in a row, and the summary is only tried every `SUMMARY_RETRY`."""

SUMMARY_RETRY: Final = timedelta(minutes=10)
ROOM: Final = 15
"""Polls that have spent our own limit wait until so many calls more are free."""

_OUTAGE_WAIT: Final = (timedelta(seconds=30), timedelta(minutes=15))
_QUOTA_WAIT: Final = (timedelta(minutes=5), timedelta(hours=1))
_SAVE_DELAY_S: Final = 300
_SAVE_SOON_S: Final = 10
_STORE_VERSION: Final = 1

type EfergyConfigEntry = ConfigEntry[EfergyHub]


@dataclass(frozen=True, slots=True, kw_only=True)
class EfergyAccountData:
    """The account's meters, ghosts included, and since when some of them are missing."""

    meters: Mapping[str, MeterInfo]
    missing: Mapping[str, datetime]


class EfergyHub(PolledAccount[EfergyAccountData]):
    """Polls one account for everybody, whether or not an entity listens.

    Waits are measured on the loop's own clock, which nobody sets back.
    """

    config_entry: EfergyConfigEntry
    kind = EntryKind.EFERGY

    def __init__(
        self, hass: HomeAssistant, entry: EfergyConfigEntry, accounts: Accounts
    ) -> None:
        """Prepare the conversation; `async_start` begins it."""
        self._patience = Patience(
            async_chance(hass), outage=_OUTAGE_WAIT, quota=_QUOTA_WAIT
        )
        super().__init__(
            hass, _LOGGER, entry, Conversation(hass, entry, _LOGGER, self._patience)
        )
        self.last_success: datetime | None = None
        self.nonsense_count = 0
        self.standing_in = False
        self.client = account_client(
            hass,
            entry.data[CONF_TOKEN],
            base_url(EfergyServer(entry.data[CONF_SERVER]), entry.data.get(CONF_URL)),
        )
        self._accounts = accounts
        self._store = _store(hass, entry)
        self._save_at_s: float | None = None
        self._budget = CallBudget()
        self._inventory = Inventory()
        self._summary_failures = 0
        self._summary_retry_s = 0.0
        self._phases = PhaseTracker()
        self._polls: deque[datetime] = deque(maxlen=2)
        self._readings: dict[str, PowerReading] = {}
        self._told: dict[str, bool] = {}
        self._first_data: datetime | None = None

    @property
    def meters(self) -> Mapping[str, MeterInfo]:
        """Return the account's meters by sid, ghosts flagged."""
        return self._inventory.meters

    @property
    def sole_meter(self) -> str | None:
        """Return the meter that the household's sums are of, None where several are."""
        return self._inventory.sole_meter

    @property
    def missing(self) -> Mapping[str, datetime]:
        """Return the meters that have reported and do not now, and since when."""
        return self._inventory.missing

    @property
    def calls_last_hour(self) -> int:
        """Return how many calls were made in the last hour."""
        return self._budget.count(HOUR, dt_util.utcnow())

    @property
    def calls_last_day(self) -> int:
        """Return how many calls were made in the last day."""
        return self._budget.count(DAY, dt_util.utcnow())

    @callback
    def meter_update(self, hardware_id: str) -> MeterUpdate:
        """Return the present state of one meter."""
        if not self.conversation.holds:
            return MeterUpdate(available=False)
        reading = self._inventory.reading(hardware_id, dt_util.utcnow())
        return MeterUpdate(available=reading is not None, reading=reading)

    async def async_start(self) -> None:
        """Ask for the first time, then keep polling until the entry is unloaded.

        Raises ConfigEntryNotReady in an outage and ConfigEntryAuthFailed where the token is
        refused. A reached call limit is waited for, with what another run knew.
        """
        await self.async_config_entry_first_refresh()
        self._readings = {}
        self._told = {sid: self.meter_update(sid).available for sid in self.meters}
        self._leave = [self._accounts.attach(self)]
        self.schedule_poll()

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, leave the registry and keep what the next run has to know."""
        await super().async_shutdown()
        if self._save_at_s is not None:
            await self._store.async_save(self._stored())

    async def async_history[T](
        self, ask: Callable[[EfergyClient], Awaitable[T]], *, spare: int = 0
    ) -> T:
        """Make one call for history within its own budget, of which `spare` calls stay.

        Raises CloudQuotaError, without a call, where the budget is spent, else what the
        client raises.
        """
        return await self._call(CallKind.HISTORY, ask, spare=spare)

    async def async_first_data(self, *, spare: int = 0) -> datetime | None:
        """Return when the household's data begin, asked for until there is an answer.

        Raises what `async_history` does.
        """
        if self._first_data is None:
            self._first_data = await self.async_history(
                EfergyClient.first_data, spare=spare
            )
            self._save(soon=True)
        return self._first_data

    @override
    async def _async_setup(self) -> None:
        """Load what another run knew."""
        if (stored := await self._store.async_load()) is not None:
            self._budget = CallBudget.from_data(stored["budget"])
            self._inventory = Inventory(stored["inventory"])
            if (first := stored.get("first_data")) is not None:
                self._first_data = dt_util.parse_datetime(first)

    @override
    async def _async_update_data(self) -> EfergyAccountData:
        """Poll all meters, unless a reached call limit is waited for."""
        now = dt_util.utcnow()
        if self.state is AccountState.QUOTA and self._wait() > timedelta():
            return self._snapshot(now)
        self._polls.append(now)
        try:
            readings, nonsense = await self._poll()
        except CloudError as err:
            self.conversation.failed(err)
            return self._snapshot(dt_util.utcnow())
        self.nonsense_count += nonsense
        self.conversation.answered()
        self.last_success = dt_util.utcnow()
        self._readings.update(readings)
        for sid, stamp in self._inventory.stamps.items():
            self._phases.observe(sid, stamp)
        self._phases.keep(self._inventory.stamps)
        return self._snapshot(self.last_success)

    async def _poll(self) -> tuple[dict[str, PowerReading], int]:
        """Return new readings by sid and the number of values that made no sense.

        The summary tells of all meters at once. Where it is dead and the account has one
        meter, the household's power stands in; that it is dead as well matters to nobody
        whose summary works.
        """
        asked = False
        if (
            self.standing_in
            and self._inventory.sole_meter is not None
            and self._summary_failures >= SUMMARY_IS_DEAD
            and self.hass.loop.time() < self._summary_retry_s
        ):
            try:
                return await self._poll_instant()
            except CloudOutageError, CloudNonsenseError, CloudRequestError:
                asked = True
        try:
            values = await self._call(CallKind.LIVE, EfergyClient.current_values)
        except (CloudOutageError, CloudNonsenseError, CloudRequestError) as err:
            self._summary_failures += 1
            self._summary_retry_s = self._time_s(SUMMARY_RETRY)
            if isinstance(err, CloudNonsenseError):
                self.nonsense_count += 1
            if asked or self._inventory.sole_meter is None:
                raise
            try:
                return await self._poll_instant()
            except CloudOutageError, CloudNonsenseError, CloudRequestError:
                raise err from None
        self._summary_failures = 0
        if self.standing_in:
            self.standing_in = False
            _LOGGER.info("Current values of %s are back", self.name)
        return self._inventory.update(values, dt_util.utcnow())

    async def _poll_instant(self) -> tuple[dict[str, PowerReading], int]:
        """Return what the household's power says of the only meter, as `_poll` does."""
        value = await self._call(CallKind.LIVE, EfergyClient.instant)
        if not self.standing_in:
            self.standing_in = True
            _LOGGER.info(
                "Current values of %s do not come, the household's power stands in",
                self.name,
            )
        return self._inventory.update_instant(value, dt_util.utcnow())

    async def _call[T](
        self,
        kind: CallKind,
        ask: Callable[[EfergyClient], Awaitable[T]],
        *,
        spare: int = 0,
    ) -> T:
        """Make one call within the budget. Raises CloudQuotaError where it is spent."""
        now = dt_util.utcnow()
        if (wait := self._budget.wait(kind, now, spare=spare)) > timedelta():
            if kind is CallKind.LIVE:
                # One call that has become free ends no wait: the next poll would begin
                # another.
                wait = self._budget.wait(kind, now, spare=spare + ROOM)
            raise CloudQuotaError("our own limit of calls is reached", wait)
        self._budget.record(kind, now)
        self._save(soon=kind is CallKind.HISTORY)
        return await ask(self.client)

    @callback
    def _snapshot(self, now: datetime) -> EfergyAccountData:
        """Return the account's meters as they are now."""
        self._inventory.refresh(now)
        return EfergyAccountData(meters=self.meters, missing=self.missing)

    @override
    @callback
    def tell_homes(self) -> None:
        """Tell homes new readings, and which meters have become available or not."""
        readings, self._readings = self._readings, {}
        for sid in self._told.keys() | self.meters.keys():
            available = self.meter_update(sid).available
            reading = readings.get(sid) if available else None
            if reading is None and self._told.get(sid) is available:
                continue
            self._told[sid] = available
            try:
                self._accounts.publish(
                    self.key, sid, MeterUpdate(available=available, reading=reading)
                )
            except Exception:
                # One home's trouble must not end the polling for all of them.
                _LOGGER.exception("A home did not take what meter %s said", sid)

    @override
    def _next_wait(self) -> timedelta:
        """Return how long to wait for the next poll, or the next look at what is stale."""
        now = dt_util.utcnow()
        if self._patience.waits:
            stale = self._inventory.next_stale()
            if self.state is AccountState.QUOTA and stale is not None:
                # A little later, so that it is stale by then.
                until_stale = stale + timedelta(seconds=1) - now
                return max(min(self._wait(), until_stale), timedelta())
            return self._wait()
        plan = plan_polls(self._phases.phases.values())
        return INTERVAL if plan is None else plan.next(self._polls, now) - now

    def _wait(self) -> timedelta:
        """Return how long nothing may be asked; zero where it may be now."""
        return self._patience.wait(self.hass.loop.time())

    @callback
    def _save(self, *, soon: bool = False) -> None:
        """Write what the next run has to know, in a while."""
        delay = _SAVE_SOON_S if soon else _SAVE_DELAY_S
        due = self.hass.loop.time() + delay
        # A store puts a pending write off by every further request for one.
        if self._save_at_s is None or due < self._save_at_s:
            self._save_at_s = due
            self._store.async_delay_save(self._stored, delay)

    @callback
    def _stored(self) -> dict[str, Any]:
        """Return what the next run has to know."""
        self._save_at_s = None
        return {
            "budget": self._budget.as_data(dt_util.utcnow()),
            "inventory": self._inventory.as_data(),
            "first_data": self._first_data and self._first_data.isoformat(),
        }


def account_client(hass: HomeAssistant, token: str, address: str) -> EfergyClient:
    """Return a client on Home Assistant's session, with Home Assistant's days.

    Its time zone may be changed at any time.
    """
    return EfergyClient(
        async_get_clientsession(hass),
        token,
        address,
        time_zone=dt_util.get_default_time_zone,
    )


async def async_remove_account(hass: HomeAssistant, entry: EfergyConfigEntry) -> None:
    """Remove what was stored for an account, once its entry is removed."""
    await _store(hass, entry).async_remove()


def _store(hass: HomeAssistant, entry: EfergyConfigEntry) -> Store[dict[str, Any]]:
    """Return an account's store; it holds no credential."""
    return Store(hass, _STORE_VERSION, f"{DOMAIN}.account.{entry.entry_id}")
