"""What was asked of rooms, kept for as long as it holds and no longer."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

from homeassistant.core import CoreState
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.energy_homes.heating.home_mode import HomeModeRequest
from custom_components.energy_homes.heating.model import HomeMode, SetpointMode

from .world import HOUR, MINUTE, SECOND, STORE, HeatedWorld


@pytest.mark.heavy
async def test_a_setpoint_above_the_schedule_is_renewed(elm: HeatedWorld) -> None:
    """In pieces of 90 minutes, once an hour, unseen by people, until it is ended."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    for _ in range(10):
        await elm.virtual.run(20 * MINUTE)
        mode, setpoint, end = elm.reported("Kitchen")
        assert (mode, setpoint) == ("manual", 23)
        assert end is not None
        assert timedelta() < end - elm.virtual.now <= timedelta(minutes=90)
        kitchen = elm.room("Kitchen")
        assert (kitchen.mode, kitchen.setpoint) == (SetpointMode.MANUAL, 23)
        assert (kitchen.until, kitchen.pending) == (None, False)

    assert len(elm.commands()) == 4
    assert len(elm.changes) == 1
    await elm.ask("Kitchen", "schedule")
    sent = len(elm.commands())
    await elm.virtual.run(75 * MINUTE)
    assert len(elm.commands()) == sent
    assert elm.room("Kitchen").mode is SetpointMode.SCHEDULE
    assert elm.stored == {}


async def test_a_request_with_an_end(elm: HeatedWorld) -> None:
    """It is renewed up to its end, and then no more."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23, minutes=150)
    until = elm.virtual.now + 150 * MINUTE
    await elm.virtual.run(140 * MINUTE)
    assert elm.room("Kitchen").until == until
    assert elm.reported("Kitchen")[2] == until

    sent = len(elm.commands())
    await elm.virtual.run(100 * MINUTE)
    assert len(elm.commands()) == sent
    assert elm.room("Kitchen").mode is SetpointMode.SCHEDULE
    assert elm.stored == {}


@pytest.mark.heavy
async def test_off_needs_no_call(elm: HeatedWorld) -> None:
    """A room that is switched off stays off, and shows it, for a whole summer."""
    await elm.start()
    await elm.ask("Kitchen", "off")
    await elm.ask("Living room", "off")
    for _ in range(4):
        await elm.virtual.move_to(elm.virtual.now + timedelta(days=30))
        await elm.virtual.run(10 * MINUTE)
        assert elm.reported("Kitchen") == ("manual", 7, elm.reported("Kitchen")[2])
        assert elm.reported("Living room")[0] == "off"
        for name in ("Kitchen", "Living room"):
            assert elm.room(name).mode is SetpointMode.OFF
            assert elm.room(name).until is None

    assert len(elm.commands()) == 2


async def test_a_restart_changes_nothing(elm: HeatedWorld) -> None:
    """Emulated modes are what was asked, and setpoints go on being renewed."""
    await elm.start()
    await elm.ask("Kitchen", "frost_guard")
    await elm.ask("Bedroom", "away", until=elm.virtual.now + 10 * HOUR)
    await elm.ask("Office", "manual", temperature=24)
    until = elm.room("Bedroom").until
    await elm.virtual.run(MINUTE)
    await elm.unload_home()
    await elm.load_home()
    await elm.virtual.run(MINUTE)

    assert elm.room("Kitchen").mode is SetpointMode.FROST_GUARD
    assert elm.room("Kitchen").emulated
    assert elm.room("Bedroom").mode is SetpointMode.AWAY
    assert elm.room("Bedroom").until == until
    assert {room.pending for room in elm.data.rooms.values()} == {False}
    assert len(elm.commands()) == 3
    await elm.virtual.run(100 * MINUTE)
    assert elm.room("Office").setpoint == 24
    assert elm.reported("Office")[:2] == ("manual", 24)
    assert len(elm.commands()) == 4


async def test_off_past_the_vendors_end(elm: HeatedWorld) -> None:
    """What still holds is sent again, what has ended is not."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.ask("Office", "manual", temperature=24, minutes=120)
    await elm.virtual.run(2 * MINUTE)
    await elm.unload_home()
    await elm.virtual.run(4 * HOUR)
    assert elm.reported("Kitchen")[0] == "schedule"
    await elm.load_home()
    await elm.virtual.run(5 * MINUTE)

    assert elm.reported("Kitchen")[:2] == ("manual", 23)
    assert elm.room("Kitchen").mode is SetpointMode.MANUAL
    assert elm.reported("Office")[0] == "schedule"
    assert elm.room("Office").mode is SetpointMode.SCHEDULE
    assert elm.changes[2:] == []


@pytest.mark.parametrize(
    ("order", "shown"),
    [
        ({"mode": "manual", "temperature": 25.0}, (SetpointMode.MANUAL, 25)),
        ({"mode": "home"}, (SetpointMode.SCHEDULE, 18)),
    ],
)
async def test_somebody_else_changes_the_room(
    elm: HeatedWorld, order: dict[str, Any], shown: tuple[SetpointMode, float]
) -> None:
    """The wheel or the app: it is shown, and never overwritten."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(30 * MINUTE)
    end = elm.virtual.now + 8 * HOUR
    elm.netatmo.room("Elm Street", "Kitchen", end=end, **order)
    await elm.virtual.run(6 * MINUTE)

    kitchen = elm.room("Kitchen")
    assert (kitchen.mode, kitchen.setpoint) == shown
    await elm.virtual.run(100 * MINUTE)
    assert len(elm.commands()) == 1
    assert elm.stored == {}


async def test_somebody_else_changes_the_room_while_we_are_off(
    elm: HeatedWorld,
) -> None:
    """The next run sees it, and leaves it."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(2 * MINUTE)
    await elm.unload_home()
    elm.netatmo.room("Elm Street", "Kitchen", mode="manual", temperature=15.0)
    await elm.virtual.run(4 * HOUR)
    await elm.load_home()
    await elm.virtual.run(5 * MINUTE)

    assert elm.room("Kitchen").setpoint == 15
    assert len(elm.commands()) == 1


async def test_a_home_mode_elsewhere_ends_what_was_asked(elm: HeatedWorld) -> None:
    """Away in the app is away in every room."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(10 * MINUTE)
    elm.netatmo.home("Elm Street", "mode", mode="away")
    await elm.virtual.run(10 * MINUTE)

    assert elm.data.mode is HomeMode.AWAY
    assert elm.room("Kitchen").mode is SetpointMode.AWAY
    elm.netatmo.home("Elm Street", "mode", mode="schedule")
    await elm.virtual.run(100 * MINUTE)
    assert elm.room("Kitchen").mode is SetpointMode.SCHEDULE
    assert len(elm.commands()) == 1


async def test_a_home_mode_of_ours_ends_what_was_asked(elm: HeatedWorld) -> None:
    """Nothing is renewed afterwards."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(2 * MINUTE)
    await elm.heating.async_set_home_mode(HomeModeRequest(mode=HomeMode.SCHEDULE))
    await elm.virtual.run(100 * MINUTE)

    assert elm.room("Kitchen").mode is SetpointMode.SCHEDULE
    assert [method for _, method in elm.commands()] == [
        "setroomthermpoint",
        "setthermmode",
    ]
    assert elm.stored == {}


async def test_renewals_wait_for_the_vendor(elm: HeatedWorld) -> None:
    """An outage over the time of a renewal: it is sent as soon as the vendor is back."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(50 * MINUTE)
    elm.netatmo.simulator.fault("http_503")
    await elm.virtual.run(25 * MINUTE)
    assert len([x for x in elm.netatmo.log() if x[3] == "setroomthermpoint"]) == 1

    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(20 * MINUTE)
    mode, setpoint, end = elm.reported("Kitchen")
    assert (mode, setpoint) == ("manual", 23)
    assert end is not None
    assert end > elm.virtual.now + 70 * MINUTE


async def test_an_outage_past_the_vendors_end(elm: HeatedWorld) -> None:
    """The room falls back to its schedule and comes back with the vendor."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(50 * MINUTE)
    elm.netatmo.simulator.fault("http_503")
    await elm.virtual.run(60 * MINUTE)
    assert elm.reported("Kitchen")[0] == "schedule"

    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(20 * MINUTE)
    assert elm.reported("Kitchen")[:2] == ("manual", 23)
    assert elm.room("Kitchen").setpoint == 23
    assert len(elm.changes) == 1


@pytest.mark.parametrize(
    ("fault", "goes_on"), [("unreachable", True), ("invalid_argument", False)]
)
async def test_a_renewal_that_is_refused(
    elm: HeatedWorld, fault: str, goes_on: bool
) -> None:
    """A valve out of reach is tried again; what the vendor never takes is given up."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(55 * MINUTE)
    elm.netatmo.simulator.fault(fault, "setroomthermpoint")
    await elm.virtual.run(15 * MINUTE)
    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(40 * MINUTE)

    assert (elm.reported("Kitchen")[0] == "manual") is goes_on
    assert (elm.stored != {}) is goes_on
    assert len(elm.changes) == 1


@pytest.mark.parametrize("fault", ["http_502", "unreachable", "usage_429"])
async def test_renewals_that_go_on_failing(elm: HeatedWorld, fault: str) -> None:
    """Tried now and then; the request holds, also past the vendor's end."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(55 * MINUTE)
    elm.netatmo.simulator.fault(fault, "setroomthermpoint")
    sent = len(elm.commands())
    await elm.virtual.run(70 * MINUTE)
    assert 2 <= len(elm.commands()) - sent <= 10
    assert elm.reported("Kitchen")[0] == "schedule"

    elm.netatmo.simulator.clear_faults()
    # After a call limit nothing is asked for half an hour at most, and then it is sent again
    # after a quarter at most.
    await elm.virtual.run(46 * MINUTE)
    assert elm.reported("Kitchen")[:2] == ("manual", 23)
    assert elm.room("Kitchen").setpoint == 23
    assert len(elm.changes) == 1


@pytest.mark.heavy
async def test_a_renewal_whose_answer_is_lost(elm: HeatedWorld) -> None:
    """It arrived: nobody else has changed the room, and the request goes on."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(50 * MINUTE)
    elm.netatmo.simulator.fault("cut", "setroomthermpoint", count=1)
    await elm.virtual.run(100 * MINUTE)

    assert elm.reported("Kitchen")[:2] == ("manual", 23)
    assert elm.room("Kitchen").setpoint == 23
    await elm.virtual.run(60 * MINUTE)
    assert elm.reported("Kitchen")[:2] == ("manual", 23)


async def _until_a_renewal_hangs(elm: HeatedWorld) -> None:
    """Have a renewal of the kitchen wait for its answer."""
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(55 * MINUTE)
    elm.netatmo.simulator.fault("timeout", "setroomthermpoint", count=1)
    kitchen = elm.record("Kitchen").room_id
    end = elm.virtual.now + 10 * MINUTE
    while len(elm.stored[kitchen]) == 1 and elm.virtual.now < end:
        await elm.virtual.run(SECOND)
    assert len(elm.stored[kitchen]) == 2


async def test_a_command_does_not_wait_for_a_renewal(elm: HeatedWorld) -> None:
    """A person's wish is sent at once, and is what holds."""
    await elm.start()
    await _until_a_renewal_hangs(elm)
    begin = elm.virtual.now
    await elm.ask("Kitchen", "off")

    assert elm.virtual.now == begin
    assert elm.reported("Kitchen")[:2] == ("manual", 7)
    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(100 * MINUTE)
    assert elm.reported("Kitchen")[:2] == ("manual", 7)
    assert elm.room("Kitchen").mode is SetpointMode.OFF
    assert not elm.room("Kitchen").pending
    (active,) = elm.stored[elm.record("Kitchen").room_id]
    assert active["request"]["mode"] == "off"


async def test_a_home_mode_does_not_wait_for_a_renewal(elm: HeatedWorld) -> None:
    """Nor does it meet the renewal afterwards."""
    await elm.start()
    await _until_a_renewal_hangs(elm)
    begin = elm.virtual.now
    await elm.heating.async_set_home_mode(HomeModeRequest(mode=HomeMode.AWAY))

    assert elm.virtual.now == begin
    assert elm.reported("Kitchen")[0] == "away"
    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(100 * MINUTE)
    assert elm.reported("Kitchen")[0] == "away"
    assert elm.stored == {}


async def test_a_renewal_that_made_way_is_due_again(elm: HeatedWorld) -> None:
    """What took its place was refused."""
    await elm.start()
    await _until_a_renewal_hangs(elm)
    elm.netatmo.simulator.fault("invalid_argument", "setroomthermpoint", count=1)
    with pytest.raises(HomeAssistantError):
        await elm.ask("Kitchen", "off")
    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(100 * MINUTE)

    assert elm.reported("Kitchen")[:2] == ("manual", 23)
    assert elm.room("Kitchen").setpoint == 23


async def test_away_past_the_vendors_end_while_nobody_looks(elm: HeatedWorld) -> None:
    """A room that was set while its home is away falls back to that, and comes back."""
    await elm.start()
    await elm.heating.async_set_home_mode(HomeModeRequest(mode=HomeMode.AWAY))
    await elm.virtual.run(2 * MINUTE)
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(2 * MINUTE)
    await elm.unload_home()
    await elm.virtual.run(3 * HOUR)
    assert elm.reported("Kitchen")[0] == "away"
    await elm.load_home()
    await elm.virtual.run(5 * MINUTE)

    assert elm.reported("Kitchen")[:2] == ("manual", 23)
    assert elm.room("Kitchen").mode is SetpointMode.MANUAL


async def test_what_nobody_looked_after_for_weeks(elm: HeatedWorld) -> None:
    """It does not come back."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=23)
    await elm.virtual.run(2 * MINUTE)
    await elm.unload_home()
    await elm.virtual.move_to(elm.virtual.now + timedelta(days=30))
    await elm.virtual.run(5 * MINUTE)
    await elm.load_home()
    await elm.virtual.run(5 * MINUTE)

    assert elm.reported("Kitchen")[0] == "schedule"
    assert elm.room("Kitchen").mode is SetpointMode.SCHEDULE
    assert len(elm.commands()) == 1
    assert elm.stored == {}


async def test_what_was_asked_of_a_room_that_is_gone(elm: HeatedWorld) -> None:
    """It is forgotten, and does not come back with the room."""
    await elm.start()
    await elm.ask("Kitchen", "off")
    await elm.ask("Office", "off")
    kitchen, office = (elm.record(name).room_id for name in ("Kitchen", "Office"))
    assert elm.stored.keys() == {kitchen, office}
    elm.netatmo.room("Elm Street", "Kitchen", action="remove")
    await elm.virtual.run(80 * MINUTE)

    assert "Kitchen" not in {room.name for room in elm.heating.rooms}
    assert elm.stored.keys() == {office}


async def test_another_schedule_shortens_what_is_above_it(elm: HeatedWorld) -> None:
    """What no schedule of before went below is above this one at night."""
    await elm.start()
    await elm.ask("Kitchen", "manual", temperature=18)
    before = elm.reported("Kitchen")[2]
    assert before is not None
    await elm.virtual.run(5 * MINUTE)
    elm.netatmo.home("Elm Street", "mode", mode="away")
    await elm.virtual.run(5 * MINUTE)
    await elm.ask("Kitchen", "manual", temperature=18)
    await elm.virtual.run(MINUTE)

    during = elm.reported("Kitchen")[2]
    assert during is not None
    # While the home is away anything above its temperature is.
    assert during <= elm.virtual.now + 90 * MINUTE
    assert during < before


async def test_a_quota_for_an_hour_while_a_valve_is_turned(elm: HeatedWorld) -> None:
    """Questions are not answered for an hour; commands are, and their results stay."""
    await elm.start()
    elm.netatmo.simulator.fault("usage_429", "homestatus")
    elm.netatmo.simulator.fault("usage_429", "homesdata")
    for minutes, temperature in enumerate((22.0, 23.5, 21.5, 24.0), 1):
        await elm.ask("Kitchen", "manual", temperature=temperature)
        assert elm.reported("Kitchen")[:2] == ("manual", temperature)
        assert elm.room("Kitchen").setpoint == temperature
        await elm.virtual.run(4 * minutes * MINUTE)
        assert elm.data.controllable
        assert elm.room("Kitchen").setpoint == temperature
    await elm.virtual.run(20 * MINUTE)
    assert len(elm.changes) == 4

    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(40 * MINUTE)
    assert elm.data.available
    assert (elm.room("Kitchen").setpoint, elm.room("Kitchen").pending) == (24, False)
    await elm.virtual.run(75 * MINUTE)
    assert elm.reported("Kitchen")[:2] == ("manual", 24)


async def test_nothing_is_left_of_the_vendors_quota(elm: HeatedWorld) -> None:
    """Another program has spent it: said, gone back on, and fine an hour later."""
    await elm.start()
    elm.netatmo.spend("keeper@example.com", 500)
    before = elm.room("Kitchen")
    with pytest.raises(HomeAssistantError) as caught:
        await elm.ask("Kitchen", "manual", temperature=23)
    assert caught.value.translation_key == "heating_quota"
    assert elm.room("Kitchen") == before

    await elm.virtual.run(61 * MINUTE)
    await elm.ask("Kitchen", "manual", temperature=23)
    assert elm.reported("Kitchen")[:2] == ("manual", 23)


# Killed


async def test_what_is_asked_is_on_disk_before_it_is_sent(elm: HeatedWorld) -> None:
    """And what was before it too, for the case that it never arrives."""
    await elm.start()
    await elm.ask("Kitchen", "frost_guard")
    elm.netatmo.simulator.fault("timeout", "setroomthermpoint", count=1)
    asked = elm.hass.async_create_task(elm.ask("Kitchen", "manual", temperature=25))
    await elm.virtual.settle()
    kitchen = elm.record("Kitchen").room_id
    killed = elm.stored[kitchen]
    elm.netatmo.simulator.clear_faults()
    await asked

    assert [active["request"]["mode"] for active in killed] == ["manual", "frost_guard"]
    assert [active["accepted_at"] is None for active in killed] == [True, False]
    (done,) = elm.stored[kitchen]
    assert done["accepted_at"] is not None


@pytest.mark.parametrize(
    ("arrived", "mode"),
    [(True, SetpointMode.MANUAL), (False, SetpointMode.FROST_GUARD)],
)
async def test_killed_while_a_command_was_under_way(
    elm: HeatedWorld, arrived: bool, mode: SetpointMode
) -> None:
    """The room itself says whether the command arrived; either way its request goes on."""
    await elm.start()
    await elm.ask("Kitchen", "frost_guard")
    before = elm.reported("Kitchen")
    elm.netatmo.simulator.fault("timeout", "setroomthermpoint", count=1)
    asked = elm.hass.async_create_task(elm.ask("Kitchen", "manual", temperature=25))
    await elm.virtual.settle()
    killed = deepcopy(elm.storage[STORE])
    elm.netatmo.simulator.clear_faults()
    await asked
    await elm.unload_home()
    elm.storage[STORE] = killed
    undo = {True: [], False: [before]}[arrived]
    for vendor_mode, setpoint, _end in undo:
        elm.netatmo.room(
            "Elm Street", "Kitchen", mode=vendor_mode, temperature=setpoint
        )
    await elm.virtual.run(3 * MINUTE)
    await elm.load_home()
    await elm.virtual.run(5 * MINUTE)

    assert elm.room("Kitchen").mode is mode
    assert not elm.room("Kitchen").pending
    (active,) = elm.stored[elm.record("Kitchen").room_id]
    assert active["request"]["mode"] == mode.value
    await elm.virtual.run(100 * MINUTE)
    assert elm.room("Kitchen").mode is mode


@pytest.mark.parametrize(
    "data",
    [[], {"rooms": []}, {"rooms": {"a": 1, "heating-elm-street-kitchen": [2, {}]}}],
)
async def test_a_spoilt_file(elm: HeatedWorld, data: Any) -> None:
    """The home is set up, and knows what the vendor says."""
    await elm.start()
    await elm.ask("Kitchen", "frost_guard")
    await elm.unload_home()
    elm.storage[STORE] = {"version": 1, "minor_version": 1, "key": STORE, "data": data}
    await elm.load_home()
    await elm.virtual.run(2 * MINUTE)

    # Seven degrees by hand is off, as far as anybody can tell.
    assert elm.room("Kitchen").mode is SetpointMode.OFF


async def test_set_up_while_home_assistant_ends(elm: HeatedWorld) -> None:
    """Nobody would stop it any more, so it listens to nothing."""
    await elm.start()
    await elm.unload_home()
    elm.hass.set_state(CoreState.stopping)
    await elm.hass.config_entries.async_setup(elm.home.entry_id)
    elm.hass.set_state(CoreState.running)
    await elm.virtual.run(5 * MINUTE)

    assert not elm.data.controllable


async def test_nothing_is_kept_of_a_heating_that_is_removed(elm: HeatedWorld) -> None:
    """With the subentry, and with the home."""
    await elm.start()
    await elm.ask("Kitchen", "off")
    assert STORE in elm.storage
    (subentry_id,) = elm.home.subentries
    elm.hass.config_entries.async_remove_subentry(elm.home, subentry_id)
    await elm.virtual.settle()

    assert STORE not in elm.storage
    assert elm.home.runtime_data.heating == {}


async def test_nothing_is_kept_of_a_home_that_is_removed(elm: HeatedWorld) -> None:
    """Its requests go with it."""
    await elm.start()
    await elm.ask("Kitchen", "off")
    await elm.hass.config_entries.async_remove(elm.home.entry_id)
    await elm.virtual.settle()

    assert STORE not in elm.storage
