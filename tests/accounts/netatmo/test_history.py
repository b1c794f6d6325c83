"""An account's calls for history: within their own share, and never in the way."""

from itertools import pairwise

import pytest

from custom_components.energy_homes.accounts.netatmo.plan import QUIET_STATUS_S
from custom_components.energy_homes.accounts.registry import AccountState
from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudOutageError,
    CloudQuotaError,
)
from custom_components.energy_homes.clouds.netatmo.models import (
    MeasurePoint,
    MeasureScale,
)
from tests.accounts.netatmo.world import ELM, HOUR, MINUTE, SECOND, STATUS, World

MEASURE = "getroommeasure"
LATE_S = QUIET_STATUS_S + 60
"""Polls that are further apart were kept waiting."""


async def ask(world: World) -> tuple[MeasurePoint, ...]:
    """Ask for an hour of the kitchen."""
    now = world.virtual.now.replace(minute=0, second=0, microsecond=0)
    return await world.hub.commands.async_history(
        lambda client: client.room_series(
            world.netatmo.home_id(ELM),
            world.netatmo.room_id(ELM, "Kitchen"),
            ["temperature"],
            MeasureScale.HALF_HOUR,
            now - 2 * HOUR,
            now - HOUR,
        )
    )


async def test_history_is_counted(world: World) -> None:
    """A call is one of the account's, and one of the few that history may make."""
    await world.running(ELM)
    before = world.hub.calls_last_hour
    assert len(await ask(world)) == 2
    assert world.hub.calls_last_hour == before + 1


async def test_years_that_are_asked_for_slow_no_poll_down(world: World) -> None:
    """History stops at its share; polls and commands go on as if there was none."""
    await world.running(ELM)
    begin = world.mark()
    refused = 0
    while world.virtual.now < begin + HOUR:
        task = world.hass.async_create_task(ask(world))
        while not task.done():
            await world.virtual.run(SECOND)
        if isinstance(task.exception(), CloudQuotaError):
            refused += 1
            await world.virtual.run(MINUTE)
    assert refused > 0
    assert len([at_s for at_s in world.calls(begin, MEASURE) if at_s <= 3600]) == 50
    polls = world.calls(begin, STATUS)
    assert max(after - before for before, after in pairwise(polls)) < LATE_S
    assert world.state() is AccountState.CONNECTED
    assert await world.set_room(ELM, "Kitchen", 21.5)


async def test_the_vendor_refuses_for_its_limit(world: World) -> None:
    """Polls wait as well, and history is not tried before they go on."""
    await world.running(ELM)
    world.simulator.fault("usage_429", command=MEASURE, count=1)
    with pytest.raises(CloudQuotaError):
        await ask(world)
    assert world.state() is AccountState.QUOTA
    assert world.newest(ELM).state is AccountState.QUOTA
    begin = world.mark()
    with pytest.raises(CloudQuotaError, match="waits"):
        await ask(world)
    assert world.calls(begin) == []
    await world.virtual.run(10 * MINUTE)
    assert len(await ask(world)) == 2


async def test_a_cloud_that_is_away_is_not_asked(world: World) -> None:
    """An outage is one, without a call."""
    await world.running(ELM)
    world.simulator.fault("http_503")
    await world.virtual.run(20 * MINUTE)
    assert world.state() is AccountState.OUTAGE
    begin = world.mark()
    with pytest.raises(CloudOutageError, match="away"):
        await ask(world)
    assert world.calls(begin, MEASURE) == []


async def test_refused_credentials_are_not_tried(world: World) -> None:
    """Somebody has to sign in first."""
    await world.running(ELM)
    world.netatmo.revoke()
    await world.virtual.run(10 * MINUTE)
    assert world.state() is AccountState.AUTH
    begin = world.mark()
    with pytest.raises(CloudAuthError):
        await ask(world)
    assert world.calls(begin, MEASURE) == []


async def test_calls_that_come_together_go_one_after_the_other(world: World) -> None:
    """None is lost; those for which there is no room now wait some seconds."""
    await world.running(ELM)
    begin = world.mark()
    tasks = [world.hass.async_create_task(ask(world)) for _ in range(8)]
    await world.virtual.run(SECOND)
    assert sum(task.done() for task in tasks) == 5
    await world.virtual.run(15 * SECOND)
    assert [len(await task) for task in tasks] == [2] * 8
    at_s = world.calls(begin, MEASURE)
    assert at_s[4] <= 1
    assert 10 <= at_s[5] <= 13
