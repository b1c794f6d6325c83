"""Tasks that run on, whatever happens to them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.energy_homes.accounts.keep_running import (
    HEALTHY_AFTER,
    WAIT,
    async_keep_running,
)
from custom_components.energy_homes.const import DOMAIN

MINUTE = timedelta(minutes=1)


class Task:
    """Dies as often as it is told to, then waits until it is over."""

    def __init__(self) -> None:
        """Begin without a run."""
        self.runs = 0
        self.deaths = 0
        self.over = asyncio.Event()

    async def run(self) -> None:
        """Run once."""
        self.runs += 1
        if self.deaths:
            self.deaths -= 1
            raise RuntimeError("something that nobody foresaw")
        await self.over.wait()


@pytest.fixture
def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Return a loaded entry."""
    entry = MockConfigEntry(
        domain=DOMAIN, title="Particle", state=ConfigEntryState.LOADED
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
def issues(hass: HomeAssistant) -> Callable[[], list[str]]:
    """Return what tells which repairs there are."""
    return lambda: [
        issue.translation_key or ""
        for (domain, _), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
    ]


async def wait(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, delta: timedelta
) -> None:
    """Let time pass."""
    freezer.tick(delta)
    async_fire_time_changed(hass, dt_util.utcnow())
    await hass.async_block_till_done(wait_background_tasks=False)


async def test_a_task_that_dies_runs_again(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    entry: MockConfigEntry,
    issues: Callable[[], list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged each time; the third death is a repair, until the task is healthy."""
    task = Task()
    task.deaths = 3
    async_keep_running(hass, entry, task.run, "listening")
    for runs in (1, 2):
        assert task.runs == runs
        assert not issues()
        await wait(hass, freezer, MINUTE)
    assert task.runs == 3
    assert caplog.text.count("listening died") == 3
    assert caplog.text.count("something that nobody foresaw") >= 3
    assert issues() == ["task_died"]
    await wait(hass, freezer, MINUTE)
    assert task.runs == 4
    await wait(hass, freezer, HEALTHY_AFTER)
    assert not issues()
    task.over.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert task.runs == 4
    caplog.clear()


async def test_a_death_long_ago_counts_no_more(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    entry: MockConfigEntry,
    issues: Callable[[], list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A task that ran well in between begins anew."""
    task = Task()

    async def run() -> None:
        """Die whenever the task is over."""
        task.over.clear()
        await task.run()
        raise RuntimeError

    async_keep_running(hass, entry, run, "listening")
    for _ in range(4):
        await wait(hass, freezer, HEALTHY_AFTER)
        task.over.set()
        await hass.async_block_till_done(wait_background_tasks=False)
        await wait(hass, freezer, WAIT[1])
    assert task.runs == 5
    assert not issues()
    await entry._async_process_on_unload(hass)
    caplog.clear()


async def test_a_task_ends_with_its_entry(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    entry: MockConfigEntry,
    issues: Callable[[], list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Unloading ends the task, and takes its repair back."""
    task = Task()
    task.deaths = 100
    async_keep_running(hass, entry, task.run, "listening")
    for _ in range(5):
        await wait(hass, freezer, WAIT[1])
    assert issues() == ["task_died"]
    await entry._async_process_on_unload(hass)
    runs = task.runs
    await wait(hass, freezer, WAIT[1])
    assert task.runs == runs
    assert not issues()
    caplog.clear()
