"""What is shown of rooms and modules in odd cases."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.energy_homes.clouds.netatmo.models import (
    HomeStatus,
    ModuleProblem,
    ModuleStatus,
    RoomStatus,
)
from custom_components.energy_homes.heating.model import (
    HomeMode,
    RoomKind,
    SetpointMode,
)
from custom_components.energy_homes.heating.netatmo.model import (
    RoomCall,
    RoomControl,
    VendorMode,
)
from custom_components.energy_homes.heating.netatmo.outlook import HomeOutlook
from custom_components.energy_homes.heating.netatmo.plan import (
    RoomSituation,
    plan_setpoint,
)
from custom_components.energy_homes.heating.netatmo.room import RoomState
from custom_components.energy_homes.heating.records import ModuleRecord, RoomRecord
from custom_components.energy_homes.heating.setpoint import SetpointRequest
from custom_components.energy_homes.rooms.netatmo.view import (
    module_view,
    reachable_modules,
    room_reachable,
    room_view,
)

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
ROOM = RoomRecord(
    room_id="study",
    hardware_id="17",
    name="Study",
    kind=RoomKind.VALVE,
    call=RoomCall.SETROOMTHERMPOINT,
)
RELAY = ModuleRecord(module_id="relay", hardware_id="70:", kind="NAPlug", name="Relay")
VALVE = ModuleRecord(
    module_id="valve",
    hardware_id="09:",
    kind="NRV",
    name="Valve",
    room_id="study",
    bridge_id="relay",
)
MODULES = (RELAY, VALVE)
UNKNOWN = HomeOutlook(schedule=None, mode=None, mode_end=None, time_zone=UTC)


def status(
    room: RoomStatus | None = None,
    *modules: ModuleStatus,
    problems: tuple[ModuleProblem, ...] = (),
) -> HomeStatus:
    """Return a status of a home with another room, and perhaps this one."""
    rooms = {"18": RoomStatus(room_id="18", reachable=True)}
    if room is not None:
        rooms["17"] = room
    return HomeStatus(
        home_id="home",
        at=NOW,
        rooms=rooms,
        modules={module.module_id: module for module in modules},
        problems=problems,
    )


def reach(reported: HomeStatus | None) -> bool | None:
    """Return whether the room is reached."""
    return room_reachable(ROOM, reported, MODULES, reachable_modules(MODULES, reported))


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        (None, None),
        (status(), None),
        (status(RoomStatus(room_id="17")), None),
        (status(RoomStatus(room_id="17", mode=VendorMode.MANUAL)), True),
        (status(RoomStatus(room_id="17", reachable=False)), False),
        (
            status(
                RoomStatus(room_id="17", mode=VendorMode.MANUAL),
                ModuleStatus(module_id="09:", reachable=False),
            ),
            False,
        ),
        (status(problems=(ModuleProblem("70:", 6),)), False),
        (status(problems=(ModuleProblem("70:", 1),)), None),
    ],
)
def test_whether_a_room_is_reached(
    reported: HomeStatus | None, expected: bool | None
) -> None:
    """The room's own word counts, then its valves’."""
    assert reach(reported) is expected


def test_whether_modules_are_reached() -> None:
    """A gateway says so by being listed, a valve that says nothing is not known."""
    reported = status(
        None, ModuleStatus(module_id="70:"), ModuleStatus(module_id="09:")
    )

    assert reachable_modules(MODULES, reported) == {"relay": True, "valve": None}
    assert reachable_modules(MODULES, status()) == {"relay": None, "valve": None}


def test_a_module_without_news() -> None:
    """Whether it is reached is all there is."""
    view = module_view(VALVE, None, reachable=False)

    assert (view.reachable, view.battery, view.firmware) == (False, None, None)
    named = ModuleStatus(module_id="09:", battery_state="full")
    assert module_view(VALVE, named, reachable=True).battery == 75


def test_a_room_given_back_to_a_home_of_which_nothing_is_known() -> None:
    """It shows the schedule, and what the vendor said last."""
    state = RoomState(ROOM)
    situation = RoomSituation(room_id="17", control=RoomControl.of(ROOM))
    state.begin(
        plan_setpoint(SetpointRequest(mode=SetpointMode.SCHEDULE), situation, NOW)
    )
    reported = RoomStatus(room_id="17", setpoint=19.5, mode=VendorMode.MANUAL)
    view = room_view(state, reported, UNKNOWN, NOW, reachable=True, boiler_on=None)

    assert (view.mode, view.setpoint, view.pending) == (
        SetpointMode.SCHEDULE,
        19.5,
        True,
    )


AWAY = HomeOutlook(
    schedule=None, mode=HomeMode.FROST_GUARD, mode_end=None, time_zone=UTC
)


@pytest.mark.parametrize(
    ("outlook", "shown"),
    [
        (UNKNOWN, (SetpointMode.SCHEDULE, None, None)),
        (AWAY, (SetpointMode.FROST_GUARD, 7.0, None)),
    ],
)
@pytest.mark.parametrize("asked", [True, False])
def test_a_setpoint_whose_end_has_come(
    asked: bool,
    outlook: HomeOutlook,
    shown: tuple[SetpointMode, float | None, datetime | None],
) -> None:
    """The room does what its home does, though the vendor has not said so yet."""
    end = NOW + timedelta(hours=1)
    state = RoomState(ROOM)
    wanted = SetpointRequest(mode=SetpointMode.MANUAL, temperature=21, until=end)
    situation = RoomSituation(room_id="17", control=RoomControl.of(ROOM))
    order = state.begin(plan_setpoint(wanted, situation, NOW))
    {True: state.accept, False: lambda order, _at: state.drop(order)}[asked](order, NOW)
    reported = RoomStatus(
        room_id="17", setpoint=21.0, mode=VendorMode.MANUAL, setpoint_end=end
    )

    def view(now: datetime) -> tuple[object, ...]:
        """Return what is shown at an instant."""
        found = room_view(state, reported, outlook, now, reachable=True, boiler_on=None)
        return found.mode, found.setpoint, found.until

    before = (SetpointMode.MANUAL, 21.0, end)
    assert view(end - timedelta(seconds=1)) == before
    assert view(end) == shown


@pytest.mark.parametrize(
    ("setpoint", "mode"), [(7.0, SetpointMode.OFF), (30.0, SetpointMode.MAX)]
)
def test_a_valve_that_was_set_elsewhere(setpoint: float, mode: SetpointMode) -> None:
    """Its ends are off and max, in place of which the vendor has a temperature."""
    reported = RoomStatus(room_id="17", setpoint=setpoint, mode=VendorMode.MANUAL)
    view = room_view(
        RoomState(ROOM), reported, UNKNOWN, NOW, reachable=True, boiler_on=None
    )

    assert (view.mode, view.emulated, view.pending) == (mode, True, False)
