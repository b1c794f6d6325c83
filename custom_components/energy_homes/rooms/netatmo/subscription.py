"""Listens to the account whose time it is for a home."""

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from ...accounts.netatmo.heard import NetatmoUpdate
from ...accounts.netatmo.hub import NetatmoHub
from ...accounts.registry import Accounts
from ...models import HeatingSource
from .commands import Address


class HomeSubscription:
    """Hears of a source's home from the account of now, and after each change of hardware.

    `on_change` is called where another home's time has come, before that is heard of.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        accounts: Accounts,
        source: HeatingSource,
        *,
        on_update: Callable[[NetatmoUpdate], None],
        on_change: Callable[[], None],
    ) -> None:
        """Prepare; nothing is heard before the start."""
        self.running = False
        self._hass = hass
        self._accounts = accounts
        self._source = source
        self._on_update = on_update
        self._on_change = on_change
        self._unsubscribe: list[CALLBACK_TYPE] = []

    @property
    def address(self) -> Address:
        """Return who is asked of the home now."""
        account, home_id = self._key
        hub = self._accounts.heating_hubs.get(account)
        return Address(
            hub=hub if isinstance(hub, NetatmoHub) else None, home_id=home_id
        )

    @callback
    def start(self) -> None:
        """Listen until the stop; what is known is heard at once."""
        self.running = True
        self._listen()

    @callback
    def stop(self) -> None:
        """Listen no more. Stopping twice is no harm."""
        self.running = False
        while self._unsubscribe:
            self._unsubscribe.pop()()

    @property
    def _key(self) -> tuple[str, str]:
        """Return the account and the vendor's home of now."""
        revision = self._source.current(dt_util.utcnow())
        assert revision.account is not None
        assert revision.hardware_id is not None
        return revision.account, revision.hardware_id

    @callback
    def _listen(self) -> None:
        """Listen to the account of now, and wait for the next change of it."""
        now = dt_util.utcnow()
        if (change := self._source.next_change(now)) is not None:
            self._unsubscribe.append(
                async_track_point_in_utc_time(self._hass, self._changed, change)
            )
        self._unsubscribe.append(
            self._accounts.subscribe_heating(*self._key, self._on_update)
        )
        if not self.running:
            # The account's first news may have had the home reloaded.
            self.stop()

    @callback
    def _changed(self, _now: datetime) -> None:
        """Change over to the home whose time has come."""
        self._on_change()
        self.stop()
        self.start()
