"""Fixtures for all tests."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import RecorderInstanceContextManager

from simulator.shared_time import SharedTime
from tests.netatmo_control import NetatmoControl
from tests.particle_control import ParticleControl
from tests.patience import PATIENCE_S
from tests.simulator_client import SimulatorClient, start_simulator
from tests.virtual import VirtualTime

if TYPE_CHECKING:
    from homeassistant.components.recorder import Recorder
# What chance is in force before any test module is imported.
pytest_plugins = ("tests.chance",)

# The test plugin has every statement of the recorder logged, which costs more than it tells.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
# What a test collects for itself need not be printed as well.
for handler in logging.getLogger().handlers:
    handler.setLevel(logging.WARNING)

RECORDER_FIXTURES = (
    "async_test_recorder",
    "async_setup_recorder_instance",
    "recorder_mock",
)


def pytest_configure(config: pytest.Config) -> None:
    """Give each of several processes a database of its own on a server."""
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker is not None and config.option.dburl.startswith("postgresql"):
        config.option.dburl += f"_{worker}"


@pytest.fixture(autouse=True)
async def enable_event_loop_debug(request: pytest.FixtureRequest) -> None:
    """Have asyncio tell of calls from wrong threads and where a coroutine came from.

    Not where a recorder works: with a stack trace of each callback its tests cost a sixth more.
    """
    asyncio.get_running_loop().set_debug("recorder_mock" not in request.fixturenames)


@pytest.fixture
def virtual_start() -> datetime:
    """Return when virtual time begins; override or parametrize to change it."""
    return datetime(2026, 11, 18, 10, 0, 0, tzinfo=UTC)


@pytest.fixture
def hass_config_dir(tmp_path: Path) -> str:
    """Give every test a configuration folder, and so a ledger, of its own."""
    return str(tmp_path)


@pytest.fixture(autouse=True)
def freeze_before_home_assistant(request: pytest.FixtureRequest) -> None:
    """Freeze time before Home Assistant starts, where the test has virtual time."""
    if "virtual" in request.fixturenames:
        freezer: FrozenDateTimeFactory = request.getfixturevalue("freezer")
        freezer.move_to(request.getfixturevalue("virtual_start"))


@pytest.fixture(autouse=True)
def auto_enable_custom_integrations(
    request: pytest.FixtureRequest, freeze_before_home_assistant: None
) -> None:
    """Let Home Assistant find this integration, where the test has one.

    The recorder's fixtures must come before Home Assistant.
    """
    if "hass" not in request.fixturenames:
        return
    for name in RECORDER_FIXTURES:
        if name in request.fixturenames:
            request.getfixturevalue(name)
    request.getfixturevalue("enable_custom_integrations")


@pytest.fixture
def async_test_recorder(
    async_test_recorder: RecorderInstanceContextManager, monkeypatch: pytest.MonkeyPatch
) -> RecorderInstanceContextManager:
    """Let the recorder commit when it has nothing else to do."""
    # Here, because most tests need nothing of a database.
    from tests.quiet_recorder import QuietRecorder

    monkeypatch.setattr("homeassistant.components.recorder.Recorder", QuietRecorder)
    return async_test_recorder


@pytest.fixture
def recorder_mock(recorder_mock: Recorder, request: pytest.FixtureRequest) -> Recorder:
    """Record nothing where no test looks, as after the action `recorder.disable`.

    The recorder is there, compiles and answers, and takes statistics that it is handed.
    """
    looks = any(map(request.node.get_closest_marker, ("records", "recorder")))
    recorder_mock.set_enable(looks)
    return recorder_mock


@pytest.fixture(scope="session")
def simulator_clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file in which the simulator shares its clock."""
    return tmp_path_factory.mktemp("simulator") / "clock"


@pytest.fixture(scope="session")
def simulator_process(simulator_clock: Path) -> Iterator[str]:
    """Start one simulator for all tests of this process; return its address."""
    process, url = start_simulator(
        "--frozen", "0", "--clock", str(simulator_clock), parent_pid=os.getpid()
    )
    with process:
        yield url
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture
def simulator(
    simulator_process: str,
    simulator_clock: Path,
    freeze_before_home_assistant: None,
    socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[SimulatorClient]:
    """Return a fresh simulator that stands still at the test's own time."""
    monkeypatch.setenv("ENERGY_HOMES_EFERGY_URL", simulator_process)
    monkeypatch.setenv("ENERGY_HOMES_NETATMO_URL", simulator_process)
    monkeypatch.setenv("ENERGY_HOMES_PARTICLE_URL", simulator_process)
    client = SimulatorClient(simulator_process, SharedTime(simulator_clock))
    client.reset(datetime.now(UTC))
    yield client
    client.clear_faults()
    client.close()


@pytest.fixture
def netatmo(simulator: SimulatorClient) -> NetatmoControl:
    """Return the knobs of the heated homes behind the simulated Netatmo cloud."""
    return NetatmoControl(simulator)


@pytest.fixture
def particle(simulator: SimulatorClient) -> ParticleControl:
    """Return the knobs of the simulated Particle cloud and its boards."""
    return ParticleControl(simulator)


@pytest.fixture
def virtual(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, simulator: SimulatorClient
) -> VirtualTime:
    """Return the clock of a test that moves Home Assistant and the simulator."""
    return VirtualTime(hass, freezer, simulator)
