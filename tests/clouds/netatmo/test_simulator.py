"""The Netatmo client and the simulated cloud."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
import logging
import traceback
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from custom_components.energy_homes.accounts.netatmo.budget import (
    AppBudget,
    CallPriority,
)
from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudBusyError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
)
from custom_components.energy_homes.clouds.netatmo.client import NetatmoClient
from custom_components.energy_homes.clouds.netatmo.errors import (
    CloudRefusedError,
    CloudTokenExpiredError,
    check_token_reply,
)
from custom_components.energy_homes.clouds.netatmo.models import (
    HomeTopology,
    MeasureScale,
    RoomStatus,
)
from custom_components.energy_homes.heating.model import (
    HomeMode,
    RoomKind,
    SetpointMode,
)
from custom_components.energy_homes.heating.netatmo.model import (
    FOREVER,
    RoomCall,
    VendorMode,
    mode_shown,
)
from custom_components.energy_homes.heating.netatmo.plan import (
    RoomCommand,
    RoomSituation,
    SetpointPlan,
    plan_setpoint,
)
from custom_components.energy_homes.heating.netatmo.schedule import (
    RoomProgram,
    WeeklySchedule,
)
from custom_components.energy_homes.heating.setpoint import setpoint_request
from simulator.faults import NOT_NETATMO, Fault
from simulator.scenario import (
    NETATMO_CLIENT_ID,
    NETATMO_CLIENT_SECRET,
    NETATMO_ODD_REFRESH_TOKEN,
    NETATMO_REFRESH_TOKEN,
    NETATMO_TERRACE_REFRESH_TOKEN,
    NETATMO_USER,
)
from tests.patience import PATIENCE_S
from tests.simulator_client import SimulatorClient

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
# Longer than the cloud takes to show a setpoint.
SHOWN = timedelta(seconds=10)

FAULTS: dict[str, type[CloudError]] = {
    "token_missing": CloudTokenExpiredError,
    "token_invalid": CloudTokenExpiredError,
    "token_expired": CloudTokenExpiredError,
    "app_deactivated": CloudAuthError,
    "invalid_grant": CloudAuthError,
    "invalid_client": CloudAuthError,
    "device_not_found": CloudRefusedError,
    "missing_argument": CloudRefusedError,
    "scope": CloudRefusedError,
    "could_not_apply": CloudRefusedError,
    "invalid_argument": CloudRefusedError,
    "unreachable": CloudRefusedError,
    "usage_403": CloudQuotaError,
    "usage_429": CloudQuotaError,
    "too_many_connections": CloudQuotaError,
    "concurrency": CloudBusyError,
    "internal": CloudOutageError,
    "empty_403": CloudOutageError,
    "empty_body": CloudOutageError,
    "html": CloudOutageError,
    "garbage": CloudOutageError,
    "http_406": CloudOutageError,
    "http_500": CloudOutageError,
    "http_502": CloudOutageError,
    "http_503": CloudOutageError,
    "cut": CloudOutageError,
    "connection_reset": CloudOutageError,
    "wrong_type": CloudNonsenseError,
}
TOKEN_FAULTS: dict[str, type[CloudError]] = {
    "invalid_grant": CloudAuthError,
    "invalid_client": CloudAuthError,
    "usage_403": CloudQuotaError,
    "usage_429": CloudQuotaError,
    "too_many_connections": CloudQuotaError,
    "empty_403": CloudOutageError,
    "http_502": CloudOutageError,
    "html": CloudOutageError,
    "http_503": CloudOutageError,
    "concurrency": CloudBusyError,
}


class RotatingTokens:
    """A token provider that refreshes at the simulated token endpoint."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, refresh_token: str
    ) -> None:
        """Begin with a refresh token alone."""
        self._session = session
        self._url = url
        self.refresh_token = refresh_token
        self.access_token = ""

    async def __call__(self) -> str:
        """Return the newest token."""
        return self.access_token or await self.force_refresh("")

    async def force_refresh(self, refused: str) -> str:
        """Refresh where the refused token is the newest."""
        if refused != self.access_token:
            return self.access_token
        async with self._session.post(
            f"{self._url}/oauth2/token",
            data={
                "grant_type": "refresh_token",
                "refresh_token": self.refresh_token,
                "client_id": NETATMO_CLIENT_ID,
                "client_secret": NETATMO_CLIENT_SECRET,
            },
        ) as response:
            found = check_token_reply(response.status, await response.read())
        self.refresh_token = str(found["refresh_token"])
        self.access_token = str(found["access_token"])
        return self.access_token


type Connect = Callable[[str], NetatmoClient]


@pytest.fixture(autouse=True)
def at_noon(simulator: SimulatorClient) -> None:
    """Begin at noon on a Wednesday; the test's own clock runs, for its time-outs."""
    simulator.reset(NOW)


@pytest.fixture
def tokens(
    simulator: SimulatorClient, session: aiohttp.ClientSession
) -> RotatingTokens:
    """Return the tokens of the account with Elm Street and Mill Cottage."""
    return RotatingTokens(session, simulator.url, NETATMO_REFRESH_TOKEN)


@pytest.fixture
def connect(simulator: SimulatorClient, session: aiohttp.ClientSession) -> Connect:
    """Return how to get a client from a refresh token."""
    return lambda token: NetatmoClient(
        session,
        RotatingTokens(session, simulator.url, token),
        simulator.url,
        timeout_s=PATIENCE_S,
    )


@pytest.fixture
def client(
    simulator: SimulatorClient, session: aiohttp.ClientSession, tokens: RotatingTokens
) -> NetatmoClient:
    """Return a client of the account with Elm Street and Mill Cottage."""
    return NetatmoClient(session, tokens, simulator.url, timeout_s=PATIENCE_S)


async def elm_street(client: NetatmoClient) -> HomeTopology:
    """Return the topology of Elm Street."""
    homes = (await client.homes()).homes
    return next(home for home in homes if home.name == "Elm Street")


def room_id(home: HomeTopology, name: str) -> str:
    """Return a room by its name."""
    return next(room.room_id for room in home.rooms if room.name == name)


def situation(home: HomeTopology, name: str) -> RoomSituation:
    """Return what planning needs to know of a room."""
    room = room_id(home, name)
    control, plan = home.control(room), home.schedule
    assert control is not None
    assert plan is not None
    assert home.time_zone is not None
    week = WeeklySchedule(plan, ZoneInfo(home.time_zone))
    return RoomSituation(
        room_id=room,
        control=control,
        away_temperature=plan.away_temperature,
        frost_guard_temperature=plan.frost_guard_temperature,
        baseline=RoomProgram(week, room),
    )


def planned(
    home: HomeTopology, name: str, mode: str, temperature: float | None = None
) -> SetpointPlan:
    """Return how a room is put into a mode."""
    request = setpoint_request(mode, now=NOW, temperature=temperature)
    return plan_setpoint(request, situation(home, name), NOW)


@pytest.mark.parametrize(("fault", "kind"), FAULTS.items())
async def test_each_fault_is_of_one_kind(
    simulator: SimulatorClient,
    client: NetatmoClient,
    tokens: RotatingTokens,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    kind: type[CloudError],
) -> None:
    """Each fault raises its kind for reads and commands, and no token gets out."""
    caplog.set_level(logging.DEBUG)
    home = await elm_street(client)
    asked: tuple[tuple[str, Callable[[], Awaitable[object]]], ...] = (
        ("homesdata", client.homes),
        ("homestatus", lambda: client.status(home.home_id)),
        ("setthermmode", lambda: client.set_home_mode(home.home_id, HomeMode.AWAY)),
    )
    for command, ask in asked:
        simulator.fault(fault, command)
        with pytest.raises(CloudError) as caught:
            await ask()
        assert type(caught.value) is kind
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        told = "".join(traceback.format_exception(caught.value)) + caplog.text
        assert tokens.access_token not in told
        assert tokens.refresh_token not in told
        simulator.clear_faults()
    assert (await client.status(home.home_id)).rooms


async def test_a_cloud_that_does_not_answer(
    simulator: SimulatorClient, session: aiohttp.ClientSession, tokens: RotatingTokens
) -> None:
    """It is given up after a while."""
    await tokens()
    client = NetatmoClient(session, tokens, simulator.url, timeout_s=0.1)
    simulator.fault("timeout")
    with pytest.raises(CloudOutageError) as caught:
        await client.homes()
    assert caught.value.__context__ is None


@pytest.mark.parametrize(("fault", "kind"), TOKEN_FAULTS.items())
async def test_faults_of_the_token_endpoint(
    simulator: SimulatorClient,
    client: NetatmoClient,
    fault: str,
    kind: type[CloudError],
) -> None:
    """A quota or an outage there is not a refused credential."""
    simulator.fault(fault, "token")
    with pytest.raises(CloudError) as caught:
        await client.homes()
    assert type(caught.value) is kind
    simulator.clear_faults()
    assert (await client.homes()).homes


async def test_rotating_tokens(
    simulator: SimulatorClient, client: NetatmoClient, tokens: RotatingTokens
) -> None:
    """An access token that has expired is replaced, and the old refresh token is void."""
    await client.homes()
    first, used = tokens.access_token, tokens.refresh_token
    simulator.step(4 * HOUR)
    assert (await client.homes()).homes
    assert tokens.access_token != first
    assert tokens.refresh_token != used
    tokens.refresh_token = used
    simulator.step(4 * HOUR)
    with pytest.raises(CloudAuthError):
        await client.homes()


async def test_shapes_of_a_status(
    simulator: SimulatorClient, client: NetatmoClient
) -> None:
    """Every shape is read, and what is not told is not there."""
    home = await elm_street(client)
    kitchen = room_id(home, "Kitchen")
    usual = await client.status(home.home_id)
    assert usual.rooms[kitchen].mode is VendorMode.SCHEDULE
    assert usual.at == NOW
    simulator.fault("gateway_error", count=1)
    broken = await client.status(home.home_id)
    assert (broken.rooms, broken.modules) == ({}, {})
    assert [problem.unreachable for problem in broken.problems] == [True]
    for fault in ("body_list", "body_empty", "no_body", "status_failed"):
        simulator.fault(fault, count=1)
        assert (await client.status(home.home_id)).rooms == {}
    simulator.fault("bare_rooms", count=1)
    bare = await client.status(home.home_id)
    assert bare.rooms[kitchen] == RoomStatus(room_id=kitchen, reachable=False)
    for fault in ("end_null", "end_absent", "byte_by_byte"):
        simulator.fault(fault, count=1)
        assert await client.status(home.home_id) == usual
    simulator.fault("mode_home", count=1)
    said = (await client.status(home.home_id)).rooms[kitchen].mode
    assert said is VendorMode.HOME
    simulator.fault("no_modules", count=1)
    assert (await client.status(home.home_id)).modules == {}
    for fault in ("body_list", "body_empty", "no_body", "status_failed"):
        simulator.fault(fault, count=1)
        assert not (await client.homes()).complete


def test_every_fault_is_here() -> None:
    """No fault of this cloud is without a kind, or a test of the shape that it is."""
    assert set(Fault) - NOT_NETATMO - FAULTS.keys() == {
        # Shapes of replies, and one that takes its time.
        *("gateway_error", "body_list", "body_empty", "no_body", "status_failed"),
        *("bare_rooms", "end_null", "end_absent", "mode_home", "no_modules"),
        "byte_by_byte",
        # No failure of a command.
        "nothing_to_modify",
        # No reply.
        "timeout",
    }


async def test_commands_that_are_not_confirmed(
    simulator: SimulatorClient, client: NetatmoClient
) -> None:
    """A reply that is no "ok" is no success, and "nothing to modify" no change."""
    home = await elm_street(client)
    order = planned(home, "Kitchen", "manual", 22).command
    simulator.fault("status_failed", count=1)
    with pytest.raises(CloudNonsenseError):
        await client.set_room(home.home_id, order)
    simulator.fault("nothing_to_modify", count=1)
    assert not await client.set_room(home.home_id, order)
    assert await client.set_room(home.home_id, order)


async def test_the_homes(connect: Connect) -> None:
    """Every kind of home, and how its rooms are driven."""
    found = await connect(NETATMO_REFRESH_TOKEN).homes()
    assert found.complete
    assert found.user_id
    elm, mill = found.homes
    assert (elm.name, mill.name) == ("Elm Street", "Mill Cottage")
    assert elm.schedule is not None
    assert elm.schedule.kind == "therm"
    assert [r.name for r in elm.rooms_of_kind(RoomKind.THERMOSTAT)] == ["Living room"]
    assert len(elm.rooms_of_kind(RoomKind.VALVE)) == 3
    assert len(elm.schedules) > len([s for s in elm.schedules if s.kind == "therm"])
    assert mill.default_duration == 2 * HOUR
    _, valves = (await connect(NETATMO_TERRACE_REFRESH_TOKEN).homes()).homes
    assert valves.rooms_of_kind(RoomKind.THERMOSTAT) == ()
    manor, studio, garden = (await connect(NETATMO_ODD_REFRESH_TOKEN).homes()).homes
    calls = {manor.control(room.room_id) for room in manor.rooms}
    assert {control.call for control in calls if control} == {RoomCall.SETSTATE}
    # This one does not say which modules are in its room.
    assert studio.rooms[0].module_ids == ()
    assert [room.name for room in studio.heated_rooms] == ["Studio"]
    assert (garden.rooms, garden.modules) == ((), ())


async def test_what_the_simulated_home_does(
    simulator: SimulatorClient, client: NetatmoClient
) -> None:
    """Temperatures, requests, boiler and batteries arrive as they are."""
    home = await elm_street(client)
    status = await client.status(home.home_id)
    homes = simulator.truth(temperatures=True)["homes"]
    truth = homes["Elm Street"]["temperatures"]
    for room in home.rooms:
        found = status.rooms[room.room_id]
        program = situation(home, room.name).baseline
        assert program is not None
        assert found.reachable
        assert found.temperature == truth[room.name]["measured"]
        assert found.setpoint == program.temperature_at(NOW)
    kinds = {module.kind: module for module in status.modules.values()}
    assert kinds["NATherm1"].boiler_on is not None
    assert kinds["NRV"].boiler_on is None
    assert kinds["NAPlug"].battery_mv is None
    assert (kinds["NRV"].battery_mv or 0) > 2200


@pytest.mark.parametrize(
    ("name", "mode", "temperature", "vendor_mode", "emulated"),
    [
        ("Kitchen", "manual", 22.5, VendorMode.MANUAL, False),
        ("Kitchen", "max", None, VendorMode.MANUAL, True),
        ("Kitchen", "off", None, VendorMode.MANUAL, True),
        ("Kitchen", "away", None, VendorMode.MANUAL, True),
        ("Kitchen", "frost_guard", None, VendorMode.MANUAL, True),
        ("Living room", "manual", 22.5, VendorMode.MANUAL, False),
        ("Living room", "max", None, VendorMode.MAX, False),
        ("Living room", "off", None, VendorMode.OFF, False),
        ("Living room", "away", None, VendorMode.MANUAL, True),
    ],
)
async def test_driving_a_room(
    simulator: SimulatorClient,
    client: NetatmoClient,
    name: str,
    mode: str,
    temperature: float | None,
    vendor_mode: VendorMode,
    emulated: bool,
) -> None:
    """A command changes exactly its room, until its end, and back to schedule does too."""
    home = await elm_street(client)
    before = await client.status(home.home_id)
    room = room_id(home, name)
    other = room_id(home, "Bedroom")
    by_hand = planned(home, "Bedroom", "manual", 19).command
    assert await client.set_room(home.home_id, by_hand)
    plan = planned(home, name, mode, temperature)
    assert plan.emulated is emulated
    assert await client.set_room(home.home_id, plan.command)
    simulator.step(SHOWN)
    after = await client.status(home.home_id)
    found = after.rooms[room]
    assert found.mode is vendor_mode
    assert plan.temperature in {None, found.setpoint}
    end = plan.command.until
    assert found.setpoint_end == (None if end == FOREVER else end)
    changed = {r for r in after.rooms if after.rooms[r].mode != before.rooms[r].mode}
    assert changed == {room, other}

    back = planned(home, name, "schedule")
    assert await client.set_room(home.home_id, back.command)
    simulator.step(SHOWN)
    again = await client.status(home.home_id)
    assert again.rooms[room].mode is VendorMode.SCHEDULE
    assert again.rooms[room].setpoint == back.temperature
    assert again.rooms[other].mode is VendorMode.MANUAL
    assert (await elm_street(client)).mode is HomeMode.SCHEDULE


async def test_rooms_that_are_driven_through_states(
    simulator: SimulatorClient, connect: Connect
) -> None:
    """Modulating and wall-mounted thermostats, and valves beside them, obey too."""
    client = connect(NETATMO_ODD_REFRESH_TOKEN)
    for home in (await client.homes()).homes:
        for room in home.heated_rooms:
            for mode in SetpointMode:
                temperature = 22.0 if mode is SetpointMode.MANUAL else None
                plan = planned(home, room.name, mode, temperature)
                assert plan.command.call is RoomCall.SETSTATE
                assert await client.set_room(home.home_id, plan.command)
                simulator.step(SHOWN)
                found = (await client.status(home.home_id)).rooms[room.room_id]
                assert plan.temperature in {None, found.setpoint}


async def test_a_room_that_is_off_stays_off_for_a_summer(
    simulator: SimulatorClient, client: NetatmoClient
) -> None:
    """Off outlives a hundred days; what is above the schedule ends in 90 minutes."""
    home = await elm_street(client)
    for name, mode, temperature in (
        ("Kitchen", "off", None),
        ("Living room", "off", None),
        ("Office", "manual", 24.0),
    ):
        plan = planned(home, name, mode, temperature)
        assert await client.set_room(home.home_id, plan.command)
    simulator.step(timedelta(minutes=89))
    office = room_id(home, "Office")
    hot = (await client.status(home.home_id)).rooms
    assert hot[office].setpoint == 24
    simulator.step(timedelta(minutes=2))
    ended = (await client.status(home.home_id)).rooms
    assert ended[office].mode is VendorMode.SCHEDULE
    simulator.step(timedelta(days=100))
    summer = (await client.status(home.home_id)).rooms
    for name, kind in (
        ("Kitchen", RoomKind.VALVE),
        ("Living room", RoomKind.THERMOSTAT),
    ):
        found = summer[room_id(home, name)]
        assert found.mode is not None
        assert mode_shown(found.mode, found.setpoint, kind) is SetpointMode.OFF


async def test_what_the_cloud_refuses(
    simulator: SimulatorClient, client: NetatmoClient
) -> None:
    """The vendor's own words come along."""
    home = await elm_street(client)
    kitchen = room_id(home, "Kitchen")
    refused: list[tuple[int | None, str]] = []
    for room, mode, until in (
        (kitchen, VendorMode.MAX, None),
        (kitchen, VendorMode.MANUAL, NOW - HOUR),
        ("nowhere", VendorMode.HOME, None),
    ):
        command = RoomCommand(
            call=RoomCall.SETROOMTHERMPOINT,
            room_id=room,
            mode=mode,
            temperature=20,
            until=until,
        )
        with pytest.raises(CloudRefusedError) as caught:
            await client.set_room(home.home_id, command)
        refused.append((caught.value.code, caught.value.vendor_message))
    assert refused == [
        (21, "max mode can only be applied on thermostat room"),
        (21, "Endtime in the past"),
        (21, "Invalid room_id"),
    ]
    with pytest.raises(CloudRefusedError):
        await client.status("nowhere")
    with pytest.raises(CloudRefusedError):
        await client.switch_schedule(home.home_id, "nothing")


async def test_driving_a_home(
    simulator: SimulatorClient, client: NetatmoClient
) -> None:
    """Modes and schedules of a home arrive, and a mode ends when it was told to."""
    home = await elm_street(client)
    until = NOW + 3 * HOUR
    assert await client.set_home_mode(home.home_id, HomeMode.AWAY, until=until)
    simulator.step(SHOWN)
    away = await elm_street(client)
    assert (away.mode, away.mode_end) == (HomeMode.AWAY, until)
    rooms = (await client.status(home.home_id)).rooms
    assert {room.mode for room in rooms.values()} == {VendorMode.AWAY}
    assert home.schedule is not None
    assert {r.setpoint for r in rooms.values()} == {home.schedule.away_temperature}
    simulator.step(3 * HOUR)
    assert (await elm_street(client)).mode is HomeMode.SCHEDULE
    assert await client.set_home_mode(home.home_id, HomeMode.FROST_GUARD)
    simulator.step(SHOWN)
    assert (await elm_street(client)).mode is HomeMode.FROST_GUARD
    other = next(s for s in home.schedules if s.kind == "therm" and s != home.schedule)
    assert await client.set_home_mode(
        home.home_id, HomeMode.SCHEDULE, schedule_id=other.schedule_id
    )
    simulator.step(SHOWN)
    now_on = (await elm_street(client)).schedule
    assert now_on is not None
    assert now_on.schedule_id == other.schedule_id
    assert await client.switch_schedule(home.home_id, home.schedule.schedule_id)
    assert (await elm_street(client)).schedule == home.schedule


async def test_history(simulator: SimulatorClient, client: NetatmoClient) -> None:
    """Hourly values begin on the hour, and agree with what was shown."""
    home = await elm_street(client)
    kitchen = room_id(home, "Kitchen")
    start = NOW - 24 * HOUR
    points = await client.room_series(
        home.home_id,
        kitchen,
        ["temperature", "sp_temperature"],
        MeasureScale.HOUR,
        start,
        NOW,
    )
    assert [point.at for point in points] == [start + n * HOUR for n in range(24)]
    assert all(5 < (point.values[0] or 0) < 30 for point in points)
    program = situation(home, "Kitchen").baseline
    assert program is not None
    assert points[-1].values[1] == program.temperature_at(NOW - HOUR / 2)
    relay = next(module for module in home.modules if module.gateway)
    (thermostat,) = home.modules_in(room_id(home, "Living room"))
    boiler = await client.series(
        relay.module_id,
        thermostat.module_id,
        ["sum_boiler_on", "sum_boiler_off"],
        MeasureScale.HOUR,
        start,
        NOW,
    )
    assert len(boiler) == 24
    assert {sum(value or 0 for value in point.values) for point in boiler} == {3600}
    long_ago = NOW - timedelta(days=100)
    nothing = await client.room_series(
        home.home_id,
        kitchen,
        ["temperature"],
        MeasureScale.HOUR,
        long_ago,
        long_ago + HOUR,
    )
    assert nothing == ()


@pytest.mark.heavy
async def test_a_command_goes_out_when_the_polls_have_spent_theirs(
    simulator: SimulatorClient, session: aiohttp.ClientSession, tokens: RotatingTokens
) -> None:
    """Polls stop at their share, so that the vendor still takes a command at once."""
    budget = AppBudget().user("user")
    now = NOW
    client = NetatmoClient(
        session, tokens, simulator.url, on_call=lambda _: budget.record(now)
    )
    home = await elm_street(client)
    polls = 0
    for _ in range(12):
        while budget.allow(CallPriority.POLL, now):
            await client.status(home.home_id)
            polls += 1
        now += timedelta(seconds=12)
        simulator.set(now)
    # The topology was the first of the polls' 400.
    assert polls == 399
    assert not budget.allow(CallPriority.POLL, now)
    assert budget.allow(CallPriority.COMMAND, now)
    command = planned(home, "Kitchen", "manual", 22).command
    assert await client.set_room(home.home_id, command)
    calls: dict[str, Any] = simulator.request("GET", "/_control/calls")["netatmo"]
    assert calls["refused"] == {}
    assert calls["by_user"][NETATMO_USER]["setroomthermpoint"] == 1


async def test_the_vendors_limit(
    simulator: SimulatorClient, client: NetatmoClient
) -> None:
    """More than the vendor takes is a quota, in either form, and ends."""
    home = await elm_street(client)
    for status in (429, 403):
        simulator.request(
            "POST",
            "/_control/netatmo/settings",
            {
                "quotas": {"status": status, "retry_after_s": 60},
                "spend": {"user": NETATMO_USER, "calls": 50},
            },
        )
        with pytest.raises(CloudQuotaError) as caught:
            await client.status(home.home_id)
        assert caught.value.retry_after == timedelta(minutes=1)
        simulator.step(11 * timedelta(seconds=1))
        assert (await client.status(home.home_id)).rooms
