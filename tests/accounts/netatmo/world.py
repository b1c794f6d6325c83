"""A Netatmo account in a whole Home Assistant, and the simulated cloud behind it."""

from datetime import datetime, timedelta
from typing import Any

from aiohttp import ClientSession, web
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.netatmo.heard import NetatmoUpdate
from custom_components.energy_homes.accounts.netatmo.hub import NetatmoHub
from custom_components.energy_homes.accounts.registry import DATA_ACCOUNTS, AccountState
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.heating.netatmo.model import (
    FOREVER,
    RoomCall,
    VendorMode,
)
from custom_components.energy_homes.heating.netatmo.plan import RoomCommand
from tests.builders import netatmo_account_entry, netatmo_credential
from tests.netatmo_control import NETATMO_USER, NetatmoControl
from tests.simulator_client import SimulatorClient, to_ms
from tests.virtual import VirtualTime

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ELM = "Elm Street"
MILL = "Mill Cottage"
TOPOLOGY = "homesdata"
STATUS = "homestatus"
ORDER = "setroomthermpoint"


class World:
    """One account, its homes' subscribers and the cloud behind it."""

    def __init__(
        self,
        hass: HomeAssistant,
        simulator: SimulatorClient,
        netatmo: NetatmoControl,
        virtual: VirtualTime,
    ) -> None:
        """Begin without the account's entry."""
        self.hass = hass
        self.simulator = simulator
        self.netatmo = netatmo
        self.virtual = virtual
        self.heard: dict[str, list[NetatmoUpdate]] = {}
        self.entry: MockConfigEntry
        self._before: dict[datetime, int] = {}

    @property
    def hub(self) -> NetatmoHub:
        """Return the hub of the account, which is loaded."""
        assert self.entry.state is ConfigEntryState.LOADED
        hub: NetatmoHub = self.entry.runtime_data
        return hub

    async def start(self, *homes: str, user: str = NETATMO_USER) -> None:
        """Set the account up, with a subscriber of each home that is named."""
        await netatmo_credential(self.hass)
        self.entry = netatmo_account_entry(self.netatmo, user)
        self.entry.add_to_hass(self.hass)
        await self.set_up()
        for home in homes:
            self.follow(home)

    async def set_up(self) -> None:
        """Set the entry up."""
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.hass.async_block_till_done()

    def follow(self, home: str) -> Any:
        """Hear of a home, as a home of ours does; return how to stop."""
        assert self.entry.unique_id is not None
        updates = self.heard.setdefault(home, [])
        return self.hass.data[DATA_ACCOUNTS].subscribe_heating(
            self.entry.unique_id, self.netatmo.home_id(home), updates.append
        )

    async def running(self, *homes: str) -> None:
        """Set the account up and let it run for a while; the first home was just asked."""
        await self.start(*homes)
        await self.virtual.run(15 * MINUTE)
        told = len(self.heard[homes[0]])
        while len(self.heard[homes[0]]) == told:
            await self.virtual.run(SECOND)
        assert self.state() is AccountState.CONNECTED

    def state(self) -> AccountState:
        """Return how the account's conversation is going."""
        return self.hub.state

    def newest(self, home: str) -> NetatmoUpdate:
        """Return what was told last of a home."""
        return self.heard[home][-1]

    def states(self, home: str) -> list[AccountState | None]:
        """Return the states that were told of a home, repetitions left out."""
        told = [update.state for update in self.heard[home]]
        return [
            state
            for number, state in enumerate(told)
            if number == 0 or told[number - 1] is not state
        ]

    def mark(self) -> datetime:
        """Return the present; calls made before do not count, not even at this millisecond."""
        now = self.virtual.now
        self._before[now] = len(self.netatmo.log())
        return now

    def calls(self, since: datetime, method: str | None = None) -> list[float]:
        """Return when calls were made, in s after an instant that was marked."""
        begin_ms = to_ms(since)
        return [
            (stamp_ms - begin_ms) / 1000
            for stamp_ms, _, _, called, _ in self.netatmo.log()[self._before[since] :]
            if method in {None, called}
        ]

    def reauths(self) -> int:
        """Return how many people are asked to sign in again."""
        flows = self.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        return sum(flow["context"]["source"] == SOURCE_REAUTH for flow in flows)

    def manual(self, home: str, room: str, temperature: float) -> RoomCommand:
        """Return the command that sets a room until further notice."""
        return RoomCommand(
            call=RoomCall.SETROOMTHERMPOINT,
            room_id=self.netatmo.room_id(home, room),
            mode=VendorMode.MANUAL,
            temperature=temperature,
            until=FOREVER,
        )

    async def set_room(
        self, home: str, room: str, temperature: float, *, renewal: bool = False
    ) -> bool:
        """Set a room until further notice, or set it again."""
        return await self.hub.async_set_room(
            self.netatmo.home_id(home),
            self.manual(home, room, temperature),
            renewal=renewal,
        )

    def told_setpoint(self, home: str, room: str) -> float | None:
        """Return the setpoint of a room in the newest status."""
        status = self.newest(home).status
        assert status is not None
        return status.rooms[self.netatmo.room_id(home, room)].setpoint


class Front:
    """What stands before the cloud and lets nothing through about one home."""

    def __init__(self, url: str, session: ClientSession) -> None:
        """Stand before the cloud at an address."""
        self._url = url
        self._session = session
        self.broken: str | None = None
        self.failures = 0

    async def handle(self, request: web.Request) -> web.Response:
        """Answer as the cloud does, unless it is about the broken home."""
        form = await request.post()
        if form.get("home_id", "") == self.broken:
            self.failures += 1
            return web.Response(status=502)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name == "Authorization"
        }
        async with self._session.post(
            f"{self._url}{request.path}",
            data={name: str(value) for name, value in form.items()},
            headers=headers,
        ) as reply:
            return web.Response(
                body=await reply.read(),
                status=reply.status,
                content_type="application/json",
            )
