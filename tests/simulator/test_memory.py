"""What the simulated Netatmo cloud keeps over a restart, and over a kill."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
import json
import os
from pathlib import Path

import pytest

from tests.netatmo_control import NETATMO_REFRESH_TOKEN, NETATMO_USER, NetatmoControl
from tests.simulator.conftest import NOON
from tests.simulator.netatmo_kit import ELM, MILL
from tests.simulator_client import SimulatorClient, start_simulator

pytestmark = pytest.mark.usefixtures("socket_enabled")

CLIENT = {"id": "another-client", "secret": "another-secret"}


@contextmanager
def running(state: Path) -> Iterator[NetatmoControl]:
    """Run a simulator with a memory at noon; a power cut ends it."""
    process, url = start_simulator(
        "--frozen", str(NOON.timestamp()), "--state", str(state), parent_pid=os.getpid()
    )
    with process:
        client = SimulatorClient(url)
        yield NetatmoControl(client)
        client.close()
        process.kill()


def test_grants_survive_a_power_cut(tmp_path: Path) -> None:
    """Tokens that were given are good, those that are void stay so, clients are known."""
    state = tmp_path / "state.json"
    with running(state) as netatmo:
        netatmo.settings(client=CLIENT)
        given = netatmo.tokens()
        netatmo.revoke("terrace@example.com")
    with running(state) as netatmo:
        overview = netatmo.overview()
        users = overview["users"]
        assert overview["clients"]["another-client"] == "another-secret"
        assert users[NETATMO_USER]["refresh_tokens"] == [
            NETATMO_REFRESH_TOKEN,
            given["refresh_token"],
        ]
        assert users["terrace@example.com"]["refresh_tokens"] == []
        status, _ = netatmo.call("homesdata", given["access_token"])
        assert status == 200
        assert netatmo.tokens()["refresh_token"] != given["refresh_token"]


def test_settings_survive_a_power_cut(tmp_path: Path) -> None:
    """A room, a home's mode and its schedule are set as they were, the other rooms too."""
    state = tmp_path / "state.json"
    with running(state) as netatmo:
        token = netatmo.tokens()["access_token"]
        netatmo.home(MILL, "mode", mode="away")
        netatmo.home(ELM, "schedule", schedule="At home")
        end_s = int(NOON.timestamp()) + 3600
        status, _ = netatmo.call(
            "setroomthermpoint",
            token,
            home_id=netatmo.home_id(ELM),
            room_id=netatmo.room_id(ELM, "Kitchen"),
            mode="manual",
            temp=23.5,
            endtime=end_s,
        )
        assert status == 200
        netatmo.settings(setpoint_delay_ms=0)
        before = netatmo.overview()["users"]
    with running(state) as netatmo:
        after = netatmo.overview()["users"]
    assert [user["homes"] for user in after.values()] == [
        user["homes"] for user in before.values()
    ]
    kept = json.loads(state.read_text("utf-8"))["homes"]
    assert [home["choices"] for home in kept.values() if home["choices"]] == [
        [{"at_ms": round(NOON.timestamp() * 1000), "week": 1}]
    ]


@pytest.mark.heavy
def test_the_temperatures_go_on_as_they_were(tmp_path: Path) -> None:
    """A restart changes nothing of what is true in the rooms."""
    state = tmp_path / "state.json"
    with running(state) as netatmo:
        netatmo.room(ELM, "Office", mode="manual", temperature=25.0)
        netatmo.simulator.step(timedelta(hours=1))
        before = netatmo.truth(ELM)
    with running(state) as netatmo:
        netatmo.simulator.step(timedelta(hours=1))
        assert netatmo.truth(ELM) == before


def test_what_was_answered_has_been_kept(tmp_path: Path) -> None:
    """Tokens that somebody has heard of are on disk."""
    state = tmp_path / "state.json"
    with running(state) as netatmo:
        tokens = netatmo.tokens()
        kept = json.loads(state.read_text("utf-8"))["tokens"]
    assert tokens["refresh_token"] in kept["refresh"]
    assert tokens["access_token"] in kept["access"]
