"""An Efergy account: one conversation with the cloud for all of its meters."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.storage import Store
from homeassistant.helpers.update_coordinator import UpdateFailed
from homeassistant.util import dt as dt_util

from ...clouds.efergy.client import EfergyClient
from ...clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from ...const import CONF_SERVER, DOMAIN, EfergyServer, EntryKind
from ...metering.model import PowerReading
from ..backoff import Backoff
from ..budget import DAY, HOUR, CallBudget, CallKind
from ..chance import async_chance
from ..polled import PolledAccount
from ..registry import Accounts, AccountState, MeterInfo, MeterUpdate
from .inventory import Inventory
from .phase import INTERVAL, PhaseTracker, plan_polls
from .server import base_url

_LOGGER = logging.getLogger(__name__)

NONSENSE_IS_OUTAGE: Final = 5
"""So many answers in a row that make no sense are an outage."""

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
        super().__init__(hass, _LOGGER, config_entry=entry, name=entry.title)
        self.key = entry.unique_id or entry.entry_id
        self.last_success: datetime | None = None
        self.nonsense_count = 0
        self.standing_in = False
        self.client = account_client(
            hass,
            entry.data[CONF_TOKEN],
            base_url(EfergyServer(entry.data[CONF_SERVER]), entry.data.get(CONF_URL)),
        )
        random = async_chance(hass)
        self._accounts = accounts
        self._store = _store(hass, entry)
        self._save_at_s: float | None = None
        self._budget = CallBudget()
        self._inventory = Inventory()
        self._outage_wait = Backoff(*_OUTAGE_WAIT, random)
        self._quota_wait = Backoff(*_QUOTA_WAIT, random)
        self._not_before_s: float | None = None
        self._nonsense_in_a_row = 0
        self._summary_failures = 0
        self._summary_retry_s = 0.0
        self._phases = PhaseTracker()
        self._polls: deque[datetime] = deque(maxlen=2)
        self._readings: dict[str, PowerReading] = {}
        self._told: dict[str, bool] = {}
        self._was_failing = False
        self._detach: CALLBACK_TYPE | None = None
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
        if self.state not in {AccountState.CONNECTED, AccountState.QUOTA}:
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
        self._detach = self._accounts.attach(self)
        self._schedule_poll()

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, leave the registry and keep what the next run has to know."""
        await super().async_shutdown()
        self._unschedule_poll()
        if self._detach is not None:
            self._detach()
            self._detach = None
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
        """Poll all meters; tell the four kinds of failure apart."""
        now = dt_util.utcnow()
        if self.state is AccountState.QUOTA and self._wait() > timedelta():
            return self._snapshot(now)
        self._polls.append(now)
        try:
            readings, nonsense = await self._poll()
        except CloudAuthError as err:
            self.state = AccountState.AUTH
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN,
                translation_key="account_auth",
                translation_placeholders={"account": self.config_entry.title},
            ) from err
        except CloudQuotaError as err:
            self._wait_for_quota(err)
            return self._snapshot(dt_util.utcnow())
        except CloudNonsenseError as err:
            self._nonsense_in_a_row += 1
            if (
                self.state not in {AccountState.CONNECTED, AccountState.QUOTA}
                or self._nonsense_in_a_row >= NONSENSE_IS_OUTAGE
            ):
                raise self._outage(err) from err
            _LOGGER.debug("Answer of %s skipped: %s", self.name, err)
            self._resume()
            return self._snapshot(dt_util.utcnow())
        except CloudError as err:
            raise self._outage(err) from err
        self._nonsense_in_a_row = 0
        self.nonsense_count += nonsense
        self._resume()
        self._outage_wait.reset()
        self._quota_wait.reset()
        self.last_success = dt_util.utcnow()
        self._readings.update(readings)
        for sid, stamp in self._inventory.stamps.items():
            self._phases.observe(sid, stamp)
        self._phases.keep(self._inventory.stamps)
        return self._snapshot(self.last_success)

    @override
    def _async_refresh_finished(self) -> None:
        """Tell homes what is new and arrange for the next poll."""
        if self._detach is None:
            return
        failing = not self.last_update_success
        if (
            failing
            and self.state is not AccountState.AUTH
            and self._wait() <= timedelta()
        ):
            # Something that nobody foresaw: it is logged by now; go on with care.
            self._begin_outage()
        self._tell()
        self._schedule_poll()
        if failing and self._was_failing:
            # The coordinator itself says nothing while one failure follows another, which
            # may be of another kind.
            self.async_update_listeners()
        self._was_failing = failing

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
    def _resume(self) -> None:
        """Note that the cloud answers."""
        if self.state is AccountState.QUOTA:
            _LOGGER.info("%s answers again after its call limit", self.name)
        self.state = AccountState.CONNECTED
        self._not_before_s = None

    @callback
    def _wait_for_quota(self, err: CloudQuotaError) -> None:
        """Wait as long as the vendor asks, or longer and longer."""
        wait = max(self._quota_wait.next(), err.retry_after or timedelta())
        if self.state is not AccountState.QUOTA:
            _LOGGER.warning(
                "%s has reached its call limit (%s), waiting", self.name, err
            )
        self.state = AccountState.QUOTA
        self._not_before_s = self._time_s(wait)

    @callback
    def _outage(self, err: CloudError) -> UpdateFailed:
        """Note that the cloud is away; return what the coordinator is to be told."""
        self._begin_outage()
        return UpdateFailed(
            translation_domain=DOMAIN,
            translation_key="account_outage",
            translation_placeholders={
                "account": self.config_entry.title,
                "reason": str(err),
            },
        )

    @callback
    def _begin_outage(self) -> None:
        """Wait longer from attempt to attempt."""
        self.state = AccountState.OUTAGE
        self._not_before_s = self._time_s(self._outage_wait.next())

    @callback
    def _snapshot(self, now: datetime) -> EfergyAccountData:
        """Return the account's meters as they are now."""
        self._inventory.refresh(now)
        return EfergyAccountData(meters=self.meters, missing=self.missing)

    @callback
    def _tell(self) -> None:
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
        if self._not_before_s is not None:
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
        if self._not_before_s is None:
            return timedelta()
        return timedelta(seconds=max(self._not_before_s - self.hass.loop.time(), 0))

    def _time_s(self, wait: timedelta) -> float:
        """Return when a wait that begins now ends, on the loop's clock."""
        return self.hass.loop.time() + wait.total_seconds()

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
