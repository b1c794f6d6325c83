"""The fixtures: virtual time with a real server and a real Home Assistant."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import logging
from typing import Any, override

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.simulator_client import ELM_TOKEN, SimulatorClient, to_ms
from tests.virtual import VirtualTime

ELM_GRID = "710001"
HOUR = timedelta(hours=1)


class Polling(DataUpdateCoordinator[int]):
    """Poll one account's newest reading and keep every stamp and its time."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, url: str) -> None:
        """Poll every 30 s."""
        super().__init__(
            hass,
            logging.getLogger(__name__),
            config_entry=entry,
            name="Polling",
            update_interval=timedelta(seconds=30),
        )
        self._url = url
        self.seen: list[tuple[int, int]] = []

    @override
    async def _async_update_data(self) -> int:
        """Read the newest reading, through a thread as well."""
        session = async_get_clientsession(self.hass)
        try:
            async with session.get(
                f"{self._url}/mobile_proxy/getInstant", params={"token": ELM_TOKEN}
            ) as response:
                reply: dict[str, Any] = await response.json(content_type=None)
        except TimeoutError as err:
            raise UpdateFailed("Time-out") from err
        stamp = reply["last_reading_time"]
        self.seen.append(
            await self.hass.async_add_executor_job(
                lambda: (int(datetime.now(UTC).timestamp() * 1000), stamp)
            )
        )
        return int(reply["reading"])


@pytest.fixture
async def polling(
    hass: HomeAssistant, virtual: VirtualTime, simulator: SimulatorClient
) -> AsyncIterator[Polling]:
    """Return a coordinator that has begun to poll."""
    entry = MockConfigEntry(domain="test")
    entry.add_to_hass(hass)
    coordinator = Polling(hass, entry, simulator.url)
    remove = coordinator.async_add_listener(lambda: None)
    await coordinator.async_refresh()
    yield coordinator
    remove()
    await coordinator.async_shutdown()


@pytest.mark.parametrize("pace", ["step", "run"])
async def test_hour_of_polling(
    polling: Polling, virtual: VirtualTime, simulator: SimulatorClient, pace: str
) -> None:
    """An hour passes for Home Assistant and for the simulator alike."""
    begin = virtual.now
    await getattr(virtual, pace)(HOUR)

    assert virtual.now == begin + HOUR
    assert simulator.now == virtual.now
    assert simulator.calls(ELM_TOKEN)["getInstant"] == len(polling.seen)
    assert len(polling.seen) == pytest.approx(HOUR / timedelta(seconds=30), abs=20)
    published = [stamp for stamp, _ in simulator.published(ELM_GRID, begin)]
    assert {stamp for _, stamp in polling.seen[1:]} <= set(published)
    assert all(0 <= now - stamp <= 33_000 for now, stamp in polling.seen)
    assert polling.data == simulator.published(ELM_GRID)[-1][1]


async def test_held_call_times_out_in_virtual_time(
    polling: Polling, virtual: VirtualTime, simulator: SimulatorClient
) -> None:
    """A call that is never answered ends when Home Assistant's clock says so."""
    simulator.fault("timeout", "getInstant")
    await virtual.step(timedelta(seconds=40))
    assert simulator.held == 1
    assert polling.last_update_success

    await virtual.step(timedelta(minutes=6), timedelta(minutes=1))
    assert not polling.last_update_success

    simulator.clear_faults()
    await virtual.step(timedelta(minutes=2))
    assert polling.last_update_success


async def test_jump(
    polling: Polling, virtual: VirtualTime, simulator: SimulatorClient
) -> None:
    """A jump over days is one poll, of what is published then."""
    seen = len(polling.seen)
    later = virtual.now + timedelta(days=2)
    await virtual.move_to(later)

    assert len(polling.seen) == seen + 1
    assert to_ms(later) - polling.seen[-1][1] <= 33_000


async def test_virtual_time_with_recorder(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    polling: Polling,
    virtual: VirtualTime,
) -> None:
    """The recorder and virtual time get on."""
    await virtual.step(timedelta(minutes=10))
    assert len(polling.seen) > 15


async def test_real_time(hass: HomeAssistant, simulator: SimulatorClient) -> None:
    """Without virtual time the simulator stands still where the test began."""
    assert abs(simulator.now - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize("virtual_start", [datetime(2026, 7, 1, 3, tzinfo=UTC)])
async def test_chosen_start(
    hass: HomeAssistant,
    virtual: VirtualTime,
    simulator: SimulatorClient,
    virtual_start: datetime,
) -> None:
    """A test can choose when its virtual time begins."""
    assert virtual.now == simulator.now == virtual_start
