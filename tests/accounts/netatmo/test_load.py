"""How many calls accounts, homes and apps make, counted by the simulated cloud."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import cycle

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.netatmo.hub import NetatmoHub
from custom_components.energy_homes.accounts.registry import (
    DATA_ACCOUNTS,
    AccountState,
    HeatingUpdate,
)
from tests.builders import netatmo_account_entry, netatmo_credential
from tests.netatmo_control import NetatmoControl
from tests.simulator_client import to_ms
from tests.virtual import VirtualTime

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SHORT_MS = 10_000
HOUR_MS = 3_600_000

type Calls = Sequence[tuple[int, str, str, str, int]]


def busiest(calls: Calls, window_ms: int) -> int:
    """Return the most calls that any window of this length holds."""
    stamps = sorted(stamp for stamp, *_ in calls)
    return max(
        end - bisect_right(stamps, stamp - window_ms) + 1
        for end, stamp in enumerate(stamps)
    )


class Estate:
    """Accounts with homes, and how many calls they make."""

    def __init__(
        self, hass: HomeAssistant, netatmo: NetatmoControl, virtual: VirtualTime
    ) -> None:
        """Begin without an account."""
        self._hass = hass
        self._netatmo = netatmo
        self._virtual = virtual
        self._rooms: list[tuple[str, str]] = []
        self.entries: list[MockConfigEntry] = []
        self.newest: dict[str, HeatingUpdate] = {}

    @property
    def hubs(self) -> list[NetatmoHub]:
        """Return the accounts' hubs."""
        return [entry.runtime_data for entry in self.entries]

    @property
    def calls(self) -> Calls:
        """Return all calls so far, as the cloud counts them."""
        return self._netatmo.log()

    def since(self, instant: datetime) -> Calls:
        """Return the calls from an instant on."""
        return [call for call in self.calls if call[0] >= to_ms(instant)]

    def add(self, user: str, homes: Iterable[str], room_count: int = 4) -> None:
        """Add an account to the cloud, with homes of rooms that are heated."""
        rooms = [
            {"name": f"Room {number}", "modules": ["NRV" if number else "NATherm1"]}
            for number in range(room_count)
        ]
        plans = [{"name": home, "history_days": 1, "rooms": rooms} for home in homes]
        self._netatmo.add_account(user, f"refresh-{user}", plans)
        self._rooms += [(str(plan["name"]), "Room 0") for plan in plans]
        self.entries.append(netatmo_account_entry(self._netatmo, user))

    async def set_up(self) -> None:
        """Set all accounts up at once, as Home Assistant does, and follow all homes."""
        await netatmo_credential(self._hass)
        for entry in self.entries:
            entry.add_to_hass(self._hass)
        await self._hass.config_entries.async_setup(self.entries[0].entry_id)
        await self._hass.async_block_till_done()
        accounts = self._hass.data[DATA_ACCOUNTS]
        for hub in self.hubs:
            for home_id in hub.homes:
                hear = partial(self.newest.__setitem__, home_id)
                accounts.subscribe_heating(hub.key, home_id, hear)

    async def use(self, total: timedelta) -> None:
        """Let time pass in homes in which somebody turns a wheel every 20 minutes."""
        end = self._virtual.now + total
        for temperature in cycle((20.0, 21.0)):
            if self._virtual.now >= end:
                return
            for home, room in self._rooms:
                self._netatmo.room(home, room, mode="manual", temperature=temperature)
            await self._virtual.run(min(20 * MINUTE, end - self._virtual.now))


@pytest.fixture
def estate(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> Estate:
    """Return accounts to fill."""
    return Estate(hass, netatmo, virtual)


def assert_fresh(estate: Estate, homes: int, age: timedelta, now: datetime) -> None:
    """Assert that every home is connected and has a status that is not older."""
    assert len(estate.newest) == homes
    for update in estate.newest.values():
        assert update.state is AccountState.CONNECTED
        assert update.status_at is not None
        assert now - update.status_at <= age


@pytest.mark.heavy
async def test_five_homes_of_four_rooms(estate: Estate, virtual: VirtualTime) -> None:
    """Five homes in use need at most 151 calls in the first hour, and in any."""
    estate.add("five@example.com", [f"House {number}" for number in range(5)])
    await estate.set_up()
    await estate.use(2 * HOUR)
    assert busiest(estate.calls, HOUR_MS) <= 151
    assert len(estate.since(virtual.now - HOUR)) >= 135
    assert {status for *_, status in estate.calls} == {200}
    assert_fresh(estate, 5, 135 * SECOND, virtual.now)


async def test_five_accounts_with_a_home_each(
    estate: Estate, virtual: VirtualTime
) -> None:
    """Five homes need no more calls where each has an account of its own."""
    for number in range(5):
        estate.add(f"one-{number}@example.com", [f"House {number}"])
    await estate.set_up()
    await estate.use(HOUR + 10 * MINUTE)
    assert busiest(estate.calls, HOUR_MS) <= 151
    assert_fresh(estate, 5, 135 * SECOND, virtual.now)


@pytest.mark.heavy
async def test_eight_homes_on_one_account(estate: Estate, virtual: VirtualTime) -> None:
    """Eight homes are all fresh, and the user's limit is never reached."""
    estate.add("eight@example.com", [f"Flat {number}" for number in range(8)])
    await estate.set_up()
    await estate.use(HOUR + 10 * MINUTE)
    assert busiest(estate.calls, HOUR_MS) <= 240
    assert busiest(estate.calls, SHORT_MS) <= 9
    assert {status for *_, status in estate.calls} == {200}
    assert_fresh(estate, 8, 135 * SECOND, virtual.now)


@pytest.mark.heavy
async def test_twenty_homes_on_one_account(
    estate: Estate, virtual: VirtualTime
) -> None:
    """Where a user's limit is too small for the usual pace every home is asked less."""
    estate.add("twenty@example.com", [f"Flat {number}" for number in range(20)], 1)
    await estate.set_up()
    await estate.use(HOUR + 10 * MINUTE)
    assert busiest(estate.calls, HOUR_MS) <= 420
    assert {status for *_, status in estate.calls} == {200}
    assert_fresh(estate, 20, 185 * SECOND, virtual.now)


@pytest.mark.slow
async def test_sixty_accounts_on_one_app(estate: Estate, virtual: VirtualTime) -> None:
    """Sixty accounts are all fresh, and the app's limits are never reached."""
    for number in range(60):
        estate.add(f"tenant-{number}@example.com", [f"Flat {number}"], 1)
    await estate.set_up()
    await estate.use(HOUR + 10 * MINUTE)
    assert busiest(estate.calls, HOUR_MS) <= 1700
    assert busiest(estate.calls, SHORT_MS) <= 160
    assert {status for *_, status in estate.calls} == {200}
    assert_fresh(estate, 60, 155 * SECOND, virtual.now)
    steady = estate.since(virtual.now - HOUR)
    assert len(steady) <= 1600
    # About twenty-five in any minute.
    assert busiest(steady, 60_000) <= 50
    assert {hub.budget.app_used(virtual.now) for hub in estate.hubs} == {len(steady)}
