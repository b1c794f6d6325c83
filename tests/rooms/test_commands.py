"""Commands to rooms and homes: shown at once, confirmed, or gone back on."""

import asyncio
from datetime import timedelta

from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.energy_homes.heating.home_mode import HomeModeRequest
from custom_components.energy_homes.heating.model import HomeMode, SetpointMode
from custom_components.energy_homes.heating.setpoint import SetpointRequest
from custom_components.energy_homes.heating.view import ChangeKind
from tests.builders import set_up

from .world import HOUR, MINUTE, SECOND, HeatedWorld


async def test_one_room_and_no_other(
    elm: HeatedWorld, hass_admin_user: MockUser
) -> None:
    """Shown at once, confirmed by a read-back, and heard once with who asked."""
    await elm.start()
    before = elm.all_reported()
    await elm.ask(
        "Kitchen", "manual", temperature=23, context=Context(hass_admin_user.id)
    )

    kitchen = elm.room("Kitchen")
    assert (kitchen.mode, kitchen.setpoint) == (SetpointMode.MANUAL, 23)
    assert (kitchen.until, kitchen.pending) == (None, True)
    active = elm.heating.active[elm.record("Kitchen").room_id]
    assert active is not None
    assert elm.reported("Kitchen") == ("manual", 23, active.plan.command.until)
    others = ("Living room", "Bedroom", "Office")
    assert {room: elm.reported(room) for room in others} == {
        room: before[room] for room in others
    }
    await elm.virtual.run(MINUTE)
    assert not elm.room("Kitchen").pending
    assert elm.room("Kitchen").setpoint == 23
    (change,) = elm.changes
    assert (change.kind, change.mode) == (ChangeKind.SETPOINT, "manual")
    assert (change.room, change.temperature) == ("Kitchen", 23)
    assert (change.until, change.who) == (None, hass_admin_user.name)
    assert change.room_id == elm.record("Kitchen").room_id
    assert len(elm.commands()) == 1


async def test_an_automation_is_nobody(elm: HeatedWorld) -> None:
    """A context without a user has no name."""
    await elm.start()
    await elm.ask("Kitchen", "off", context=Context())
    await elm.ask("Kitchen", "schedule")

    assert [change.who for change in elm.changes] == [None, None]


async def test_shown_before_the_cloud_answers(elm: HeatedWorld) -> None:
    """The state does not wait for the network; a slow status does not undo it."""
    await elm.start()
    elm.netatmo.simulator.fault("timeout", "setroomthermpoint", count=1)
    asked = elm.hass.async_create_task(elm.ask("Kitchen", "manual", temperature=25))
    await elm.virtual.settle()

    assert not asked.done()
    assert (elm.room("Kitchen").setpoint, elm.room("Kitchen").pending) == (25, True)
    assert elm.changes == []
    elm.netatmo.simulator.clear_faults()
    await asked
    assert (elm.room("Kitchen").setpoint, elm.room("Kitchen").pending) == (25, True)
    assert len(elm.changes) == 1


async def test_the_read_back_may_be_late(elm: HeatedWorld) -> None:
    """For a minute the cloud's old setpoint is not believed; its temperatures are."""
    await elm.start()
    elm.netatmo.settings(setpoint_delay_ms=40_000)
    before = elm.data.updated
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(30 * SECOND)

    assert elm.data.updated is not None
    assert before is not None
    assert elm.data.updated > before
    assert (elm.room("Kitchen").setpoint, elm.room("Kitchen").pending) == (23, True)
    await elm.virtual.run(MINUTE)
    assert (elm.room("Kitchen").setpoint, elm.room("Kitchen").pending) == (23, False)


async def test_what_never_happens_is_not_shown_for_ever(elm: HeatedWorld) -> None:
    """After a minute the cloud's word counts, and nothing is active."""
    await elm.start()
    elm.netatmo.settings(setpoint_delay_ms=3_600_000)
    was = elm.room("Kitchen").setpoint
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(5 * MINUTE)

    kitchen = elm.room("Kitchen")
    assert (kitchen.mode, kitchen.setpoint) == (SetpointMode.SCHEDULE, was)
    assert not kitchen.pending


@pytest.mark.parametrize(
    ("fault", "key", "reason"),
    [
        ("usage_403", "heating_quota", ""),
        ("unreachable", "heating_refused", "Device is unreachable"),
        ("app_deactivated", "heating_auth", ""),
        ("http_502", "heating_outage", "HTTP status 502"),
        ("status_failed", "heating_nonsense", "not confirmed"),
    ],
)
async def test_the_cloud_refuses(
    elm: HeatedWorld, fault: str, key: str, reason: str
) -> None:
    """The state goes back, the error says why, and it is no change."""
    await elm.start()
    before = elm.room("Kitchen")
    elm.netatmo.simulator.fault(fault, "setroomthermpoint")
    with pytest.raises(HomeAssistantError) as caught:
        await elm.ask("Kitchen", "manual", temperature=23)

    assert caught.value.translation_key == key
    assert caught.value.translation_placeholders is not None
    assert caught.value.translation_placeholders["place"] == "Kitchen (Elm Street)"
    assert reason in caught.value.translation_placeholders["reason"]
    assert elm.room("Kitchen") == before
    assert elm.changes == []


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_command_whose_answer_is_lost(elm: HeatedWorld, arrived: bool) -> None:
    """Said so; as before until the cloud tells what holds, and that then goes on."""
    await elm.start()
    before = elm.room("Kitchen")
    fault = {True: "cut", False: "http_502"}[arrived]
    elm.netatmo.simulator.fault(fault, "setroomthermpoint", count=1)
    with pytest.raises(HomeAssistantError) as caught:
        await elm.ask("Kitchen", "frost_guard")
    assert caught.value.translation_key in {"heating_outage", "heating_nonsense"}
    assert "may or may not have been changed" in str(caught.value)
    assert elm.room("Kitchen") == before
    await elm.virtual.run(3 * MINUTE)

    mode = {True: SetpointMode.FROST_GUARD, False: SetpointMode.SCHEDULE}[arrived]
    assert (elm.reported("Kitchen")[0] == "manual") is arrived
    assert (elm.room("Kitchen").mode, elm.room("Kitchen").pending) == (mode, False)
    assert (elm.stored != {}) is arrived


async def test_a_home_mode_whose_answer_is_lost(elm: HeatedWorld) -> None:
    """The home shows it as soon as the cloud tells it."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(2 * MINUTE)
    elm.netatmo.simulator.fault("cut", "setthermmode", count=1)
    with pytest.raises(HomeAssistantError):
        await elm.heating.async_set_home_mode(HomeModeRequest(mode=HomeMode.AWAY))
    assert elm.room("Kitchen").setpoint == 23
    await elm.virtual.run(5 * MINUTE)

    assert elm.data.mode is HomeMode.AWAY
    assert {room.mode for room in elm.data.rooms.values()} == {SetpointMode.AWAY}
    assert elm.stored == {}


async def test_what_is_so_already(elm: HeatedWorld) -> None:
    """Nothing to modify is no failure, and no change."""
    await elm.start()
    elm.netatmo.simulator.fault("nothing_to_modify", "setroomthermpoint")
    await elm.ask("Kitchen", "schedule")

    assert elm.room("Kitchen").mode is SetpointMode.SCHEDULE
    assert elm.changes == []


async def test_a_refusal_goes_back_to_what_was_asked_before(elm: HeatedWorld) -> None:
    """Not to what the vendor last reported."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    elm.netatmo.simulator.fault("invalid_argument", "setroomthermpoint")
    with pytest.raises(HomeAssistantError):
        await elm.ask("Kitchen", "off")

    assert elm.room("Kitchen").setpoint == 23
    await elm.virtual.run(3 * MINUTE)
    assert elm.room("Kitchen").setpoint == 23
    assert not elm.room("Kitchen").pending


async def test_without_the_account(elm: HeatedWorld) -> None:
    """Said plainly, for rooms and homes."""
    await set_up(elm.hass, elm.home)
    with pytest.raises(HomeAssistantError) as caught:
        await elm.ask("Kitchen", "manual", temperature=23)
    assert caught.value.translation_key == "heating_no_account"
    with pytest.raises(HomeAssistantError) as caught:
        await elm.heating.async_set_home_mode(HomeModeRequest(mode=HomeMode.AWAY))
    assert caught.value.translation_key == "heating_no_account"
    assert caught.value.translation_placeholders is not None
    assert caught.value.translation_placeholders["place"] == "Elm Street"

    assert elm.room("Kitchen").mode is None
    assert elm.data.mode is None


async def test_a_home_that_is_gone(elm: HeatedWorld) -> None:
    """The account has it no longer."""
    await elm.start()
    elm.netatmo.home("Elm Street", "remove")
    await elm.virtual.run(70 * MINUTE)
    with pytest.raises(HomeAssistantError) as caught:
        await elm.ask("Kitchen", "off")

    assert caught.value.translation_key == "heating_gone"


async def test_what_cannot_be_asked_is_not_sent(elm: HeatedWorld) -> None:
    """The core's own words, and nothing has changed."""
    await elm.start()
    before = elm.data
    past = SetpointRequest(mode=SetpointMode.OFF, until=elm.virtual.now - SECOND)
    with pytest.raises(ServiceValidationError) as caught:
        await elm.driver("Kitchen").async_set(past)
    assert caught.value.translation_key == "end_past"
    with pytest.raises(ServiceValidationError) as caught:
        await elm.heating.async_select_schedule("Summer")
    assert caught.value.translation_key == "schedule_unknown"
    assert caught.value.translation_placeholders == {
        "schedule": "Summer",
        "choices": "Winter, At home",
    }

    assert elm.commands() == []
    assert elm.data == before
    assert elm.changes == []


async def test_before_the_schedule_is_known(elm: HeatedWorld) -> None:
    """A setpoint is sent for 90 minutes; what needs the schedule is said to be not possible."""
    await set_up(elm.hass, elm.home)
    kitchen = elm.driver("Kitchen")
    plan = elm.heating.commands.plan(
        elm.heating.requests.rooms[kitchen.room_id],
        SetpointRequest(mode=SetpointMode.MANUAL, temperature=9),
    )
    assert plan.command.until == elm.virtual.now + timedelta(minutes=90)
    assert kitchen.own_temperature is None
    with pytest.raises(ServiceValidationError) as caught:
        kitchen.order(SetpointRequest(mode=SetpointMode.AWAY))
    assert caught.value.translation_key == "mode_not_for_room"


async def test_the_later_of_two_commands_wins(elm: HeatedWorld) -> None:
    """They go out in the order in which they were given, and the later is shown."""
    await elm.start()
    elm.netatmo.simulator.fault("timeout", "setroomthermpoint", count=1)
    first = elm.hass.async_create_task(elm.ask("Kitchen", "manual", temperature=25))
    await elm.virtual.settle()
    second = elm.hass.async_create_task(elm.ask("Kitchen", "manual", temperature=19))
    other = elm.hass.async_create_task(elm.ask("Office", "manual", temperature=22))
    await elm.virtual.settle()

    assert elm.room("Kitchen").setpoint == 19
    assert other.done()
    assert not second.done()
    elm.netatmo.simulator.clear_faults()
    await asyncio.gather(first, second)
    await elm.virtual.run(MINUTE)
    assert elm.reported("Kitchen")[:2] == ("manual", 19)
    assert elm.room("Kitchen").setpoint == 19
    assert not elm.room("Kitchen").pending
    kitchen = [change.temperature for change in elm.changes if change.room == "Kitchen"]
    assert kitchen == [25, 19]


async def test_who_asked_waits_no_longer(elm: HeatedWorld) -> None:
    """The command is carried out all the same, and its state does not stay open."""
    await elm.start()
    elm.netatmo.simulator.fault("timeout", "setroomthermpoint", count=1)
    asked = elm.hass.async_create_task(elm.ask("Kitchen", "manual", temperature=25))
    await elm.virtual.settle()
    asked.cancel()
    await elm.virtual.settle()
    assert elm.room("Kitchen").pending

    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(MINUTE)
    assert (elm.room("Kitchen").setpoint, elm.room("Kitchen").pending) == (25, False)
    assert len(elm.changes) == 1


async def test_who_asked_waits_no_longer_for_a_failure(elm: HeatedWorld) -> None:
    """What failed goes back, whoever hears of it."""
    await elm.start()
    before = elm.room("Kitchen").setpoint
    elm.netatmo.simulator.fault("timeout", "setroomthermpoint")
    asked = elm.hass.async_create_task(elm.ask("Kitchen", "manual", temperature=25))
    await elm.virtual.settle()
    asked.cancel()
    await elm.virtual.run(30 * SECOND)

    assert (elm.room("Kitchen").setpoint, elm.room("Kitchen").pending) == (
        before,
        False,
    )
    assert elm.changes == []


# Modes that a room does not have


@pytest.mark.parametrize(
    ("mode", "sent"),
    [
        ("off", ("manual", 7.0)),
        ("frost_guard", ("manual", 7.0)),
        ("away", ("manual", 14.0)),
        ("max", ("manual", 30.0)),
    ],
)
async def test_modes_of_a_room_with_valves(
    elm: HeatedWorld, mode: str, sent: tuple[str, float]
) -> None:
    """Shown as what was asked, also when the cloud has confirmed it."""
    await elm.start()
    await elm.ask("Kitchen", mode)

    for pending in (True, False):
        kitchen = elm.room("Kitchen")
        assert kitchen.mode is SetpointMode(mode)
        assert (kitchen.setpoint, kitchen.emulated) == (sent[1], True)
        assert kitchen.pending is pending
        await elm.virtual.run(MINUTE)
    assert elm.reported("Kitchen")[:2] == sent


async def test_a_thermostat_knows_off_and_max(elm: HeatedWorld) -> None:
    """Those are the vendor's own."""
    await elm.start()
    await elm.ask("Living room", "off")
    await elm.virtual.run(MINUTE)
    assert elm.reported("Living room")[0] == "off"
    assert elm.room("Living room").mode is SetpointMode.OFF

    await elm.ask("Living room", "max")
    await elm.virtual.run(MINUTE)
    assert elm.reported("Living room")[0] == "max"
    living_room = elm.room("Living room")
    assert (living_room.mode, living_room.emulated) == (SetpointMode.MAX, False)
    assert living_room.until is not None
    assert timedelta() < living_room.until - elm.virtual.now <= HOUR


async def test_back_to_the_schedule_leaves_the_others_alone(elm: HeatedWorld) -> None:
    """One room of two that were set."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.ask("Office", "manual", temperature=24)
    office = elm.reported("Office")
    await elm.virtual.run(5 * MINUTE)
    await elm.ask("Kitchen", "schedule")
    kitchen = elm.room("Kitchen")

    assert (kitchen.mode, kitchen.setpoint) == (SetpointMode.SCHEDULE, 18)
    await elm.virtual.run(5 * MINUTE)
    assert elm.reported("Kitchen")[0] == "schedule"
    assert elm.reported("Office") == office
    assert elm.room("Office").mode is SetpointMode.MANUAL
    assert elm.room("Kitchen").setpoint == 18
    assert not elm.room("Kitchen").pending


# The whole home


async def test_a_home_mode(elm: HeatedWorld) -> None:
    """Every room shows it at once, whatever it was set to, until the cloud confirms."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(2 * MINUTE)
    until = elm.virtual.now + 5 * HOUR
    request = HomeModeRequest(mode=HomeMode.AWAY, until=until)
    await elm.heating.async_set_home_mode(request)

    for pending in (True, False):
        assert (elm.data.mode, elm.data.mode_until) == (HomeMode.AWAY, until)
        for room in elm.data.rooms.values():
            assert (room.mode, room.setpoint) == (SetpointMode.AWAY, 14)
            assert (room.until, room.pending) == (until, pending)
        await elm.virtual.run(2 * MINUTE)
    assert {mode for mode, _, _ in elm.all_reported().values()} == {"away"}
    assert elm.changes[-1].kind is ChangeKind.HOME_MODE
    assert (elm.changes[-1].mode, elm.changes[-1].until) == ("away", until)

    await elm.heating.async_set_home_mode(HomeModeRequest(mode=HomeMode.SCHEDULE))
    assert elm.data.mode is HomeMode.SCHEDULE
    assert (elm.room("Kitchen").mode, elm.room("Kitchen").setpoint) == (
        SetpointMode.SCHEDULE,
        18,
    )
    await elm.virtual.run(2 * MINUTE)
    assert elm.data.mode is HomeMode.SCHEDULE
    assert {room.pending for room in elm.data.rooms.values()} == {False}


async def test_a_home_mode_that_is_refused(elm: HeatedWorld) -> None:
    """Everything is as before."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(2 * MINUTE)
    before = elm.data
    elm.netatmo.simulator.fault("invalid_argument", "setthermmode")
    with pytest.raises(HomeAssistantError) as caught:
        await elm.heating.async_set_home_mode(HomeModeRequest(mode=HomeMode.AWAY))

    assert caught.value.translation_key == "heating_refused"
    assert elm.data == before
    assert len(elm.changes) == 1


async def test_a_home_mode_with_a_schedule(elm: HeatedWorld) -> None:
    """Back from frost guard to another schedule, in one call."""
    await elm.start()
    await elm.heating.async_set_home_mode(HomeModeRequest(mode=HomeMode.FROST_GUARD))
    assert {room.setpoint for room in elm.data.rooms.values()} == {7}
    await elm.virtual.run(2 * MINUTE)
    schedule = next(s for s in elm.heating.schedules if s.name == "At home")
    request = HomeModeRequest(mode=HomeMode.SCHEDULE, schedule_id=schedule.schedule_id)
    await elm.heating.async_set_home_mode(request)

    for _ in range(2):
        assert (elm.data.mode, elm.data.schedule) == (HomeMode.SCHEDULE, "At home")
        assert elm.room("Kitchen").setpoint == 20
        await elm.virtual.run(2 * MINUTE)
    assert elm.changes[-1].schedule == "At home"
    assert len(elm.commands()) == 2


async def test_another_schedule(elm: HeatedWorld) -> None:
    """Rooms on their schedule show it at once, one that was set stays as it is."""
    await elm.start()
    await elm.ask("Office", "manual", temperature=16)
    await elm.heating.async_select_schedule("At home")

    for _ in range(2):
        assert elm.data.schedule == "At home"
        assert elm.room("Kitchen").setpoint == 20
        assert elm.room("Living room").setpoint == 21
        assert elm.room("Office").setpoint == 16
        assert elm.room("Office").mode is SetpointMode.MANUAL
        await elm.virtual.run(2 * MINUTE)
    assert not elm.room("Kitchen").pending
    assert elm.reported("Kitchen") == ("schedule", 20, None)
    assert elm.changes[-1].kind is ChangeKind.SCHEDULE
    assert elm.changes[-1].schedule == "At home"


async def test_a_schedule_that_is_refused(elm: HeatedWorld) -> None:
    """Everything is as before."""
    await elm.start()
    before = elm.data
    elm.netatmo.simulator.fault("usage_429", "switchhomeschedule")
    with pytest.raises(HomeAssistantError) as caught:
        await elm.heating.async_select_schedule("At home")

    assert caught.value.translation_key == "heating_quota"
    assert elm.data == before
    assert elm.changes == []


async def test_what_the_schedule_asks(elm: HeatedWorld) -> None:
    """Also while the home is away or the room is set."""
    await elm.start()
    await elm.heating.async_set_home_mode(HomeModeRequest(mode=HomeMode.AWAY))

    assert elm.driver("Kitchen").own_temperature == 18
    assert [schedule.name for schedule in elm.heating.schedules] == [
        "Winter",
        "At home",
    ]


async def test_a_room_that_goes_back_while_the_home_is_away(elm: HeatedWorld) -> None:
    """It does what its home does."""
    await elm.start()
    await elm.heating.async_set_home_mode(HomeModeRequest(mode=HomeMode.AWAY))
    await elm.virtual.run(2 * MINUTE)
    await elm.ask("Kitchen", "manual", temperature=20)
    await elm.virtual.run(2 * MINUTE)
    assert elm.reported("Kitchen")[2] is not None
    await elm.ask("Kitchen", "schedule")

    assert (elm.room("Kitchen").mode, elm.room("Kitchen").setpoint) == (
        SetpointMode.AWAY,
        14,
    )
    await elm.virtual.run(2 * MINUTE)
    assert elm.room("Kitchen").mode is SetpointMode.AWAY
    assert not elm.room("Kitchen").pending
