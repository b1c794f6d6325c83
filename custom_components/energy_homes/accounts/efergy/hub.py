"""An Efergy account: one conversation with the cloud for all of its meters."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from ...clouds.efergy.client import EfergyClient
from ...clouds.errors import CloudError
from ...const import CONF_SERVER, EfergyServer, EntryKind
from ..chance import async_chance
from ..conversation import Conversation
from ..patience import Patience
from ..polled import PolledAccount
from ..registry import Accounts, AccountState, MeterInfo, MeterUpdate
from ..store import AccountStore
from .calls import EfergyCalls
from .inventory import Inventory
from .phase import INTERVAL, PhaseTracker, plan_polls
from .powers import PowerPolls
from .reports import MeterReports
from .server import base_url

_LOGGER = logging.getLogger(__name__)

_OUTAGE_WAIT: Final = (timedelta(seconds=30), timedelta(minutes=15))
_QUOTA_WAIT: Final = (timedelta(minutes=5), timedelta(hours=1))

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
        self._store = AccountStore(hass, entry, self._stored)
        self.calls = EfergyCalls(
            account_client(
                hass,
                entry.data[CONF_TOKEN],
                base_url(
                    EfergyServer(entry.data[CONF_SERVER]), entry.data.get(CONF_URL)
                ),
            ),
            self._store,
        )
        self.powers: PowerPolls
        self._accounts = accounts
        self._inventory: Inventory
        self._reports: MeterReports
        self._phases = PhaseTracker()
        self._polls: deque[datetime] = deque(maxlen=2)

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
        return self.calls.last_hour

    @property
    def calls_last_day(self) -> int:
        """Return how many calls were made in the last day."""
        return self.calls.last_day

    @callback
    def meter_update(self, hardware_id: str) -> MeterUpdate:
        """Return the present state of one meter."""
        return self._reports.update(hardware_id)

    async def async_start(self) -> None:
        """Ask for the first time, then keep polling until the entry is unloaded.

        Raises ConfigEntryNotReady in an outage and ConfigEntryAuthFailed where the token is
        refused. A reached call limit is waited for, with what another run knew.
        """
        await self.async_config_entry_first_refresh()
        self._reports.begin()
        self._leave = [self._accounts.attach(self)]
        self.schedule_poll()

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, leave the registry and keep what the next run has to know."""
        await super().async_shutdown()
        await self._store.async_flush()

    @override
    async def _async_setup(self) -> None:
        """Load what another run knew."""
        if (stored := await self._store.async_load()) is not None:
            self.calls.restore(stored)
        self._inventory = Inventory(None if stored is None else stored["inventory"])
        self._reports = MeterReports(
            self._accounts, self.key, self._inventory, self.conversation
        )
        self.powers = PowerPolls(self.hass, self.calls, self._inventory, self.name)

    @override
    async def _async_update_data(self) -> EfergyAccountData:
        """Poll all meters, unless a reached call limit is waited for."""
        now = dt_util.utcnow()
        if self.state is AccountState.QUOTA and self._wait() > timedelta():
            return self._snapshot(now)
        self._polls.append(now)
        try:
            readings = await self.powers.async_poll()
        except CloudError as err:
            self.conversation.failed(err)
            return self._snapshot(dt_util.utcnow())
        self.conversation.answered()
        self.last_success = dt_util.utcnow()
        self._reports.take(readings)
        for sid, stamp in self._inventory.stamps.items():
            self._phases.observe(sid, stamp)
        self._phases.keep(self._inventory.stamps)
        return self._snapshot(self.last_success)

    @callback
    def _snapshot(self, now: datetime) -> EfergyAccountData:
        """Return the account's meters as they are now."""
        self._inventory.refresh(now)
        return EfergyAccountData(meters=self.meters, missing=self.missing)

    @override
    @callback
    def tell_homes(self) -> None:
        """Tell homes new readings, and which meters have become available or not."""
        self._reports.tell()

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
    def _stored(self) -> dict[str, Any]:
        """Return what the next run has to know."""
        return {
            **self.calls.as_data(dt_util.utcnow()),
            "inventory": self._inventory.as_data(),
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
