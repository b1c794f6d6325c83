"""Fixtures of the recorder tests: a meter, a bystander, and virtual time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
import logging
from pathlib import Path

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from tests.statistics.world import World


@pytest.fixture
def start() -> datetime:
    """Return when a test begins; parametrize to change it."""
    return datetime(2026, 11, 18, 10, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quiet_database(caplog: pytest.LogCaptureFixture) -> None:
    """Do not collect what the database and the recorder do: it takes most of a test's time."""
    for name in ("sqlalchemy.engine", "homeassistant.components.recorder"):
        caplog.set_level(logging.WARNING, logger=name)


@pytest.fixture(autouse=True)
def freeze_before_home_assistant(
    freezer: FrozenDateTimeFactory, start: datetime
) -> None:
    """Freeze time before the recorder starts."""
    freezer.move_to(start)


@pytest.fixture
async def world(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    tmp_path: Path,
) -> AsyncIterator[World]:
    """Return a home with one meter whose statistics are kept true."""
    assert await async_setup_component(hass, "sensor", {})
    world = World(hass, freezer, tmp_path)
    await world.open()
    yield world
    await world.close()
