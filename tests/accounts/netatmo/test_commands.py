"""Commands to Netatmo's homes: when they leave, and what follows."""

import asyncio
from datetime import UTC, datetime

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from custom_components.energy_homes.accounts.netatmo.applications import app_budget
from custom_components.energy_homes.accounts.netatmo.budget import CallPriority
from custom_components.energy_homes.accounts.registry import AccountState
from custom_components.energy_homes.clouds.errors import (
    CloudBusyError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
)
from custom_components.energy_homes.clouds.netatmo.errors import CloudRefusedError
from custom_components.energy_homes.heating.home_mode import HomeModeRequest
from custom_components.energy_homes.heating.model import HomeMode
from tests.accounts.netatmo.world import (
    ELM,
    HOUR,
    MILL,
    MINUTE,
    ORDER,
    SECOND,
    STATUS,
    TOPOLOGY,
    World,
)
from tests.netatmo_control import NETATMO_CLIENT_ID, NETATMO_USER
from tests.simulator_client import to_ms


def spend_polls(world: World, calls: int = 400) -> None:
    """Have the account's polls spent all that they may."""
    assert world.entry.unique_id is not None
    budget = app_budget(world.hass, NETATMO_CLIENT_ID).user(world.entry.unique_id)
    for _ in range(calls - budget.used(dt_util.utcnow())):
        budget.record(dt_util.utcnow())
    assert not budget.allow(CallPriority.POLL, dt_util.utcnow())
    world.netatmo.spend(NETATMO_USER, calls - world.hub.calls_last_hour)


async def test_room_is_set_and_read_back(world: World) -> None:
    """A command changes exactly its room, and its home is asked soon and then often."""
    await world.running(ELM, MILL)
    before = {
        room: world.netatmo.setpoint(ELM, room) for room in world.netatmo.rooms(ELM)
    }
    begin = world.mark()
    assert await world.set_room(ELM, "Kitchen", 23.5)
    after = {
        room: world.netatmo.setpoint(ELM, room) for room in world.netatmo.rooms(ELM)
    }
    assert after.pop("Kitchen")[:2] == ("manual", 23.5)
    assert after == {room: before[room] for room in after}
    assert world.calls(begin, ORDER) == [0]
    await world.virtual.run(2 * MINUTE + SECOND)
    asked = world.calls(begin, STATUS)
    for after_s in (6, 20, 62, 120):
        assert any(after_s <= at_s < after_s + 0.1 for at_s in asked)
    assert len(asked) <= 7
    assert world.told_setpoint(ELM, "Kitchen") == 23.5
    assert world.calls(begin, TOPOLOGY) == []
    newest = world.newest(ELM)
    assert newest.asked_at is not None
    assert newest.asked_at > begin


async def test_nothing_to_modify_is_no_error(world: World) -> None:
    """A room that is so already says so."""
    await world.running(ELM)
    world.simulator.fault("nothing_to_modify", ORDER)
    assert not await world.set_room(ELM, "Kitchen", 21)


async def test_mode_of_a_home(world: World) -> None:
    """After a change of mode the topology is asked, so that the mode is known."""
    await world.running(ELM, MILL)
    begin = world.mark()
    until = datetime(2026, 11, 20, tzinfo=UTC)
    request = HomeModeRequest(mode=HomeMode.AWAY, until=until)
    elm = world.netatmo.home_id(ELM)
    assert await world.hub.async_set_home_mode(elm, request)
    await world.virtual.run(10 * SECOND)
    assert len(world.calls(begin, TOPOLOGY)) == 1
    topology = world.newest(ELM).topology
    assert topology is not None
    assert (topology.mode, topology.mode_end) == (HomeMode.AWAY, until)
    asked_at = world.newest(ELM).topology_asked_at
    assert asked_at is not None
    assert asked_at > begin
    other = world.newest(MILL).topology
    assert other is not None
    assert other.mode is HomeMode.SCHEDULE


async def test_schedule_of_a_home(world: World) -> None:
    """A schedule is selected, alone or with the mode, and known soon."""
    await world.running(ELM)
    elm = world.netatmo.home_id(ELM)

    async def known_schedule() -> str:
        """Return which schedule is known to be selected soon."""
        await world.virtual.run(10 * SECOND)
        topology = world.newest(ELM).topology
        assert topology is not None
        assert topology.schedule is not None
        return topology.schedule.name

    at_home = world.netatmo.schedule_id(ELM, "At home")
    assert await world.hub.async_switch_schedule(elm, at_home)
    assert await known_schedule() == "At home"
    winter = HomeModeRequest(
        mode=HomeMode.SCHEDULE, schedule_id=world.netatmo.schedule_id(ELM, "Winter")
    )
    assert await world.hub.async_set_home_mode(elm, winter)
    assert await known_schedule() == "Winter"


async def test_command_while_polls_have_spent_theirs(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A command leaves within a second, and is read back, while polls wait for their limit."""
    await world.running(ELM, MILL)
    spend_polls(world)
    known = world.newest(MILL).status
    await world.virtual.run(5 * MINUTE)
    assert world.state() is AccountState.QUOTA
    assert world.newest(ELM).state is AccountState.QUOTA
    begin = world.mark()
    await world.virtual.run(5 * MINUTE)
    assert world.calls(begin) == []
    begin = world.mark()
    order = world.hass.async_create_task(world.set_room(ELM, "Kitchen", 22.5))
    await world.virtual.run(SECOND)
    assert order.done()
    assert await order
    assert world.netatmo.setpoint(ELM, "Kitchen")[:2] == ("manual", 22.5)
    assert world.calls(begin, ORDER) == [pytest.approx(0, abs=1)]
    await world.virtual.run(2 * MINUTE)
    assert world.told_setpoint(ELM, "Kitchen") == 22.5
    assert world.newest(MILL).status is known
    assert world.state() is AccountState.QUOTA
    assert len(world.calls(begin)) == 5
    await world.virtual.run(HOUR)
    assert world.state() is AccountState.CONNECTED
    assert world.newest(MILL).status is not known
    logged = [r.levelname for r in caplog.records if "call limit" in r.message]
    assert logged == ["WARNING", "INFO"]
    assert {status for *_, status in world.netatmo.log()} == {200}


async def test_an_end_of_our_own_limit_is_said_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """While single calls become free and are used at once polls wait for their limit."""
    await world.running(ELM, MILL)
    now = world.virtual.now
    assert world.entry.unique_id is not None
    budget = app_budget(world.hass, NETATMO_CLIENT_ID).user(world.entry.unique_id)
    pairs = [
        to_ms(now - HOUR + after * MINUTE + place * 10 * SECOND)
        for after in range(5, 45, 5)
        for place in range(2)
    ]
    others = 400 - budget.used(now) - len(pairs)
    budget.restore({"calls_ms": [*pairs, *[to_ms(now)] * others]})
    states = []
    begin = world.mark()
    for _ in range(80):
        await world.virtual.run(MINUTE)
        states.append(world.state())
    told = [r.levelname for r in caplog.records if "call limit" in r.message]
    assert told == ["WARNING", "INFO"]
    connected = states.index(AccountState.CONNECTED, states.index(AccountState.QUOTA))
    assert set(states[connected:]) == {AccountState.CONNECTED}
    # Each call that became free before that was used.
    assert sum(at_s < connected * 60 for at_s in world.calls(begin)) >= len(pairs)


async def test_quota_of_an_hour_with_commands(world: World) -> None:
    """While the vendor takes no call a command is refused, and the wait goes on as it was."""
    await world.running(ELM)
    begin = world.mark()
    world.simulator.fault("usage_429")
    for _ in range(12):
        await world.virtual.run(5 * MINUTE)
        with pytest.raises(CloudQuotaError):
            await world.set_room(ELM, "Kitchen", 22.5)
    assert world.state() is AccountState.QUOTA
    assert len(world.calls(begin, ORDER)) == 12
    assert len(world.calls(begin, STATUS)) <= 8
    world.simulator.clear_faults()
    begin = world.mark()
    assert await world.set_room(ELM, "Kitchen", 22.5)
    await world.virtual.run(7 * SECOND)
    # Who takes commands takes a read-back, and with it the wait is over.
    assert world.calls(begin, STATUS) == [pytest.approx(6, abs=0.1)]
    assert world.state() is AccountState.CONNECTED


async def test_command_finds_the_quota(world: World) -> None:
    """A command that is refused for the limit has polls wait, too."""
    await world.running(ELM)
    world.netatmo.quotas(user_hour=0)
    begin = world.mark()
    with pytest.raises(CloudQuotaError):
        await world.set_room(ELM, "Kitchen", 22.5)
    assert world.newest(ELM).state is AccountState.QUOTA
    await world.virtual.run(59 * SECOND)
    assert world.calls(begin) == [0]


async def test_even_the_reserve_is_spent(world: World) -> None:
    """Where our own limit leaves no call at all a command is refused without one."""
    await world.running(ELM)
    spend_polls(world, 500)
    begin = world.mark()
    with pytest.raises(CloudQuotaError) as refused:
        await world.set_room(ELM, "Kitchen", 22.5)
    assert refused.value.retry_after is not None
    assert world.calls(begin) == []


async def test_command_does_not_wait_for_a_slow_poll(world: World) -> None:
    """A command leaves at once while a poll waits for its answer."""
    await world.running(ELM)
    world.simulator.fault("timeout", STATUS, count=1)
    asked = len(world.netatmo.log())
    while world.simulator.held == 0:
        await world.virtual.run(SECOND)
    begin = world.mark()
    assert await world.set_room(ELM, "Kitchen", 22.5)
    assert world.simulator.held == 1
    assert world.calls(begin, ORDER) == [0]
    world.simulator.clear_faults()
    await world.virtual.settle()
    assert len(world.netatmo.log()) == asked + 2


async def test_command_in_an_outage(world: World) -> None:
    """A command is tried in an outage; one that succeeds ends it."""
    await world.running(ELM, MILL)
    world.simulator.fault("http_503")
    await world.virtual.run(30 * MINUTE)
    assert world.state() is AccountState.OUTAGE
    # Just after an attempt of its own the account makes no other one for minutes.
    attempt = world.mark()
    while not world.calls(attempt, STATUS):
        await world.virtual.run(30 * SECOND)
    with pytest.raises(CloudOutageError):
        await world.set_room(ELM, "Kitchen", 22.5)
    world.simulator.clear_faults()
    begin = world.mark()
    assert await world.set_room(ELM, "Kitchen", 22.5)
    await world.virtual.run(10 * SECOND)
    assert world.state() is AccountState.CONNECTED
    assert len(world.calls(begin, STATUS)) == 2
    assert world.told_setpoint(ELM, "Kitchen") == 22.5


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("http_502", CloudOutageError),
        ("cut", CloudOutageError),
        ("status_failed", CloudNonsenseError),
    ],
)
async def test_command_whose_outcome_is_not_known(
    world: World, fault: str, error: type[Exception]
) -> None:
    """Where the answer to a command was lost the home is asked what came of it."""
    await world.running(ELM)
    world.simulator.fault(fault, ORDER)
    begin = world.mark()
    with pytest.raises(error):
        await world.set_room(ELM, "Kitchen", 22.5)
    assert world.calls(begin, ORDER) == [0]
    await world.virtual.run(7 * SECOND)
    assert world.calls(begin, STATUS) == [pytest.approx(6, abs=0.1)]
    assert world.states(ELM) == [AccountState.CONNECTED]


async def test_vendor_is_busy_with_another_call(world: World) -> None:
    """A command that only met another call of ours is sent once more, and no oftener."""
    await world.running(ELM)
    world.simulator.fault("concurrency", ORDER, count=1)
    begin = world.mark()
    assert await world.set_room(ELM, "Kitchen", 22.5)
    assert world.netatmo.setpoint(ELM, "Kitchen")[:2] == ("manual", 22.5)
    assert world.calls(begin, ORDER) == [0, 0]

    world.simulator.fault("concurrency", ORDER)
    with pytest.raises(CloudBusyError):
        await world.set_room(ELM, "Kitchen", 20)
    assert world.calls(begin, ORDER) == [0, 0, 0, 0]


async def test_renewals_leave_the_last_calls_to_people(world: World) -> None:
    """A renewal is read back once, not at all where it fails, and waits before commands do."""
    await world.running(ELM)
    begin = world.mark()
    assert await world.set_room(ELM, "Kitchen", 22.5, renewal=True)
    await world.virtual.run(MINUTE)
    assert world.calls(begin, STATUS)[0] == pytest.approx(6, abs=0.1)
    assert len(world.calls(begin, STATUS)) <= 2

    world.simulator.fault("http_502", ORDER)
    begin = world.mark()
    with pytest.raises(CloudOutageError):
        await world.set_room(ELM, "Kitchen", 20, renewal=True)
    await world.virtual.run(MINUTE)
    assert len(world.calls(begin, STATUS)) <= 1
    world.simulator.clear_faults()

    world.simulator.fault("usage_429", ORDER, count=1)
    with pytest.raises(CloudQuotaError):
        await world.set_room(ELM, "Kitchen", 20, renewal=True)
    assert world.state() is AccountState.QUOTA

    spend_polls(world, 470)
    await world.virtual.run(20 * SECOND)
    begin = world.mark()
    with pytest.raises(CloudQuotaError):
        await world.set_room(ELM, "Kitchen", 20, renewal=True)
    assert world.calls(begin) == []
    assert await world.set_room(ELM, "Kitchen", 20)


async def test_caller_who_gives_up(world: World) -> None:
    """A command whose caller was cancelled is read back like one that is lost."""
    await world.running(ELM)
    world.simulator.fault("timeout", ORDER, count=1)
    begin = world.mark()
    order = world.hass.async_create_task(world.set_room(ELM, "Kitchen", 22.5))
    await world.virtual.settle()
    order.cancel()
    with pytest.raises(asyncio.CancelledError):
        await order
    world.simulator.clear_faults()
    await world.virtual.run(7 * SECOND)
    assert world.calls(begin, STATUS) == [pytest.approx(6, abs=0.1)]


async def test_refused_command(world: World) -> None:
    """What the vendor refuses is its caller's matter; the account goes on as it was."""
    await world.running(ELM)
    world.simulator.fault("could_not_apply", ORDER)
    begin = world.mark()
    with pytest.raises(CloudRefusedError) as refused:
        await world.set_room(ELM, "Kitchen", 22.5)
    assert refused.value.vendor_message
    await world.virtual.run(7 * SECOND)
    assert world.calls(begin) == [0]
    assert world.state() is AccountState.CONNECTED
    assert world.reauths() == 0


async def test_command_to_a_room_that_is_not_found(world: World) -> None:
    """Then the topology is asked what there is."""
    await world.running(ELM)
    world.simulator.fault("device_not_found", ORDER)
    begin = world.mark()
    with pytest.raises(CloudRefusedError):
        await world.set_room(ELM, "Kitchen", 22.5)
    await world.virtual.run(2 * SECOND)
    assert len(world.calls(begin, TOPOLOGY)) == 1


async def test_command_with_a_token_that_has_expired(world: World) -> None:
    """A token that ends in the middle is refreshed, and the command repeated, at once."""
    await world.running(ELM)
    world.netatmo.expire()
    before = world.hub.calls_last_hour
    begin = world.mark()
    assert await world.set_room(ELM, "Kitchen", 22.5)
    assert world.calls(begin, ORDER) == [0, 0]
    assert world.calls(begin, "token") == [0]
    assert world.hub.calls_last_hour == before + 2
    assert world.states(ELM) == [AccountState.CONNECTED]


async def test_many_commands_at_once(hass: HomeAssistant, world: World) -> None:
    """Commands to several rooms do not wait for each other, and share their read-backs."""
    await world.running(ELM)
    begin = world.mark()
    rooms = ("Living room", "Kitchen", "Bedroom", "Office")
    assert all(
        await asyncio.gather(*(world.set_room(ELM, room, 22.5) for room in rooms))
    )
    assert world.calls(begin, ORDER) == [0] * 4
    await world.virtual.run(2 * MINUTE + SECOND)
    assert len(world.calls(begin, STATUS)) <= 5
    assert {world.told_setpoint(ELM, room) for room in rooms} == {22.5}
