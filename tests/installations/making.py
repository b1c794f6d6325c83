"""Has an installation live, and keeps its folder: run by `make.py`, not collected by itself."""

from datetime import UTC, datetime, timedelta
import os
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import __version__
import pytest

from simulator.shared_time import SharedTime
from tests.endpoints.receiver import Receiver
from tests.simulator_client import SimulatorClient, start_simulator

from .folder import Kept
from .life import first_evening, next_day
from .record import record_files, record_live
from .running import furnish, running

BEGIN = datetime(2026, 11, 17, 23, 0, tzinfo=UTC)
RESTART = timedelta(minutes=4)
STATES_KEPT = timedelta(minutes=30)


async def test_make(
    installation_name: str,
    freezer: FrozenDateTimeFactory,
    socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Live an evening and a night with one restart, and keep the folder."""
    freezer.move_to(BEGIN)
    folder = tmp_path / "config"
    folder.mkdir()
    clock, state = tmp_path / "clock", tmp_path / "simulator.json"
    process, url = start_simulator(
        *("--frozen", str(BEGIN.timestamp())),
        *("--clock", str(clock), "--state", str(state)),
        parent_pid=os.getpid(),
    )
    for vendor in ("EFERGY", "NETATMO", "PARTICLE"):
        monkeypatch.setenv(f"ENERGY_HOMES_{vendor}_URL", url)
    simulator = SimulatorClient(url, SharedTime(clock))
    furnish(simulator)
    receiver = Receiver()
    expected: dict[str, Any] = {
        "made_by": installation_name,
        "home_assistant": __version__,
    }
    try:
        async with receiver.serve():
            async with running(folder, freezer, simulator) as run:
                await first_evening(run, receiver.url)
            assert receiver.queries, "Nothing was pushed at midnight"
            freezer.tick(RESTART)
            async with running(folder, freezer, simulator) as run:
                await next_day(run)
                left_at = run.now
                expected["left_at"] = left_at.isoformat()
                expected |= await record_live(run.hass)
    finally:
        simulator.close()
        process.terminate()
        process.wait()
    expected |= record_files(folder)
    Kept(installation_name).pack(folder, state, expected, left_at - STATES_KEPT)
