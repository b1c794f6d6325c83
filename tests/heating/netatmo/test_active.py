"""What was asked of a room and still holds, judged by what the vendor says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.heating.model import HomeMode
from custom_components.energy_homes.heating.netatmo.active import (
    LONGEST_LAPSE,
    SETTLING,
    ActiveRequest,
    RoomReport,
    Verdict,
    agrees,
    judged,
    next_plan,
    recalled,
)
from custom_components.energy_homes.heating.netatmo.model import (
    FOREVER,
    RoomControl,
    VendorMode,
)
from custom_components.energy_homes.heating.netatmo.plan import (
    RoomSituation,
    SetpointPlan,
    plan_setpoint,
)
from custom_components.energy_homes.heating.netatmo.schedule import (
    Baseline,
    FixedBaseline,
)
from custom_components.energy_homes.heating.setpoint import setpoint_request

from .homes import ROOM, control

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
VALVE = control("NRV")
THERMOSTAT = control("NATherm1")
COOL = FixedBaseline(17)
"""What the rooms here do otherwise: 21 °C is above it, 16 °C is not."""


def situation(
    driven: RoomControl = VALVE,
    baseline: Baseline | None = COOL,
    away: float | None = 12,
) -> RoomSituation:
    """Return a room."""
    return RoomSituation(
        room_id=ROOM,
        control=driven,
        away_temperature=away,
        frost_guard_temperature=7,
        baseline=baseline,
    )


def plan(
    mode: str,
    temperature: float | None = None,
    *,
    room: RoomSituation | None = None,
    until: datetime | None = None,
) -> SetpointPlan:
    """Return how a request of now is carried out."""
    request = setpoint_request(mode, now=NOW, temperature=temperature, until=until)
    return plan_setpoint(request, room or situation(), NOW)


def active(
    *asked: Any, accepted_at: datetime | None = NOW, **more: Any
) -> ActiveRequest:
    """Return a request that was accepted now."""
    return ActiveRequest(plan=plan(*asked, **more), accepted_at=accepted_at)


def follows(request: ActiveRequest, at: datetime) -> RoomReport:
    """Return a report of a room that does what a request's command said."""
    command = request.plan.command
    end = command.until
    return RoomReport(
        mode=command.mode,
        setpoint=17.0 if command.temperature is None else command.temperature,
        end=None if end in {None, FOREVER} else end,
        asked_at=at,
        reported_at=at,
    )


def on_schedule(at: datetime, mode: VendorMode = VendorMode.SCHEDULE) -> RoomReport:
    """Return a report of a room that does what its home does."""
    return RoomReport(mode=mode, setpoint=17.0, end=None, asked_at=at, reported_at=at)


# What agrees


@pytest.mark.parametrize(
    ("mode", "agreed"),
    [
        (VendorMode.SCHEDULE, True),
        (VendorMode.HOME, True),
        (VendorMode.AWAY, True),
        (VendorMode.FROST_GUARD, True),
        (VendorMode.MANUAL, False),
        (VendorMode.MAX, False),
        (VendorMode.OFF, False),
    ],
)
def test_a_room_that_follows_its_home(mode: VendorMode, agreed: bool) -> None:
    """A room that was given back does whatever its home does."""
    assert agrees(plan("schedule").command, on_schedule(NOW, mode)) is agreed


def test_manual_agrees_in_mode_temperature_and_end() -> None:
    """Another temperature or end is somebody else's."""
    request = active("manual", 21)
    report = follows(request, NOW)

    assert agrees(request.plan.command, report)
    assert report.end is not None
    assert agrees(request.plan.command, replace(report, end=report.end + 59 * SECOND))
    for other in (
        replace(report, mode=VendorMode.MAX),
        replace(report, setpoint=21.5),
        replace(report, setpoint=None),
        replace(report, end=None),
        replace(report, end=report.end + 2 * MINUTE),
    ):
        assert not agrees(request.plan.command, other)


def test_until_further_notice_agrees_with_no_end_only() -> None:
    """The vendor tells no end of what has none."""
    request = active("manual", 16)

    assert request.plan.command.until == FOREVER
    assert agrees(request.plan.command, follows(request, NOW))
    limited = replace(follows(request, NOW), end=NOW + HOUR)
    assert not agrees(request.plan.command, limited)


def test_off_agrees_by_its_mode() -> None:
    """A thermostat that is off tells no setpoint that counts, nor an end."""
    request = active("off", room=situation(THERMOSTAT))
    report = RoomReport(mode=VendorMode.OFF, setpoint=7, end=None, asked_at=NOW)

    assert agrees(request.plan.command, report)
    assert agrees(request.plan.command, replace(report, end=NOW + HOUR))


# Verdicts


def test_what_was_asked_before_the_command_says_nothing() -> None:
    """A status that was under way when the command was accepted is not news."""
    request = active("manual", 21)

    assert judged(request, on_schedule(NOW), NOW + SECOND) is Verdict.OPEN
    assert judged(request, follows(request, NOW), NOW + SECOND) is Verdict.OPEN


def test_a_setpoint_may_be_read_back_late() -> None:
    """For a minute the vendor may say what was before; after that its word counts."""
    request = active("manual", 21)
    soon = NOW + SETTLING - SECOND
    late = NOW + SETTLING

    assert judged(request, on_schedule(soon), soon) is Verdict.OPEN
    assert judged(request, follows(request, soon), soon) is Verdict.CONFIRMED
    assert judged(request, on_schedule(late), late) is Verdict.CHANGED


def test_a_room_of_which_nothing_is_told_stays_as_it_is() -> None:
    """A valve that is not reached proves nothing."""
    request = active("manual", 21)
    silent = RoomReport(mode=None, setpoint=None, end=None, asked_at=NOW + HOUR)

    assert judged(request, silent, NOW + HOUR) is Verdict.OPEN


def test_a_request_ends_when_it_was_to_end() -> None:
    """Whatever the vendor says then."""
    request = active("manual", 21, until=NOW + HOUR)
    end = NOW + HOUR

    assert judged(request, follows(request, end), end) is Verdict.ENDED
    just_before = end - SECOND
    # The vendor's clock is a little ahead: nothing is left to be sent.
    assert judged(request, on_schedule(just_before), just_before) is Verdict.ENDED


def test_a_command_that_is_over_while_the_request_holds() -> None:
    """Home Assistant was off for longer than the vendor's end."""
    request = active("manual", 21)
    later = NOW + 5 * HOUR

    assert judged(request, on_schedule(later), later) is Verdict.LAPSED
    home = on_schedule(later, VendorMode.HOME)
    assert judged(request, home, later) is Verdict.LAPSED
    away = on_schedule(later, VendorMode.AWAY)
    assert judged(request, away, later) is Verdict.CHANGED
    early = NOW + HOUR
    assert judged(request, on_schedule(early), early) is Verdict.CHANGED


def test_a_request_that_nobody_looked_after_for_long() -> None:
    """What the vendor ended a day ago does not come back."""
    request = active("manual", 21)
    end = request.plan.command.until
    assert end is not None
    just = end + LONGEST_LAPSE - SECOND
    late = end + LONGEST_LAPSE

    assert judged(request, on_schedule(just), just) is Verdict.LAPSED
    assert judged(request, on_schedule(late), late) is Verdict.ENDED
    assert judged(request, follows(request, late), late) is Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("home", "reported"),
    [
        (HomeMode.AWAY, VendorMode.AWAY),
        (HomeMode.FROST_GUARD, VendorMode.FROST_GUARD),
    ],
)
def test_a_command_that_is_over_while_the_home_is_away(
    home: HomeMode, reported: VendorMode
) -> None:
    """The room does what its home did already when the command was accepted."""
    request = replace(active("manual", 21), home=home)
    later = NOW + 5 * HOUR

    assert judged(request, on_schedule(later, reported), later) is Verdict.LAPSED
    assert judged(request, on_schedule(later), later) is Verdict.LAPSED
    early = NOW + HOUR
    assert judged(request, on_schedule(early, reported), early) is Verdict.CHANGED
    for other in (None, HomeMode.SCHEDULE):
        changed = replace(request, home=other)
        assert judged(changed, on_schedule(later, reported), later) is Verdict.CHANGED


def test_a_room_that_was_put_back_before_the_end() -> None:
    """Where the vendor tells since when it is on its schedule."""
    request = active("manual", 21)
    end = request.plan.command.until
    assert end is not None
    later = NOW + 5 * HOUR
    verdicts = {
        start: judged(request, replace(on_schedule(later), start=start), later)
        for start in (None, NOW - SECOND, NOW, end - 2 * MINUTE, end - MINUTE, end)
    }

    assert verdicts == {
        None: Verdict.LAPSED,
        # That of the home's mode: the room was not on its schedule since then.
        NOW - SECOND: Verdict.LAPSED,
        NOW: Verdict.CHANGED,
        end - 2 * MINUTE: Verdict.CHANGED,
        end - MINUTE: Verdict.LAPSED,
        end: Verdict.LAPSED,
    }


def test_the_vendors_own_clock_says_when_a_command_is_over() -> None:
    """Our clock may be wrong."""
    request = active("manual", 21)
    asked = NOW + HOUR
    reported = request.plan.command.until

    report = replace(on_schedule(asked), reported_at=reported)
    assert judged(request, report, asked) is Verdict.LAPSED
    unknown = replace(on_schedule(asked), reported_at=None)
    assert judged(request, unknown, asked) is Verdict.CHANGED


def test_a_clock_that_was_set_back_leaves_no_request_open() -> None:
    """What was accepted in the future is judged at once."""
    request = active("manual", 21, accepted_at=NOW + HOUR)

    assert judged(request, follows(request, NOW), NOW) is Verdict.CONFIRMED
    assert judged(request, on_schedule(NOW), NOW) is Verdict.CHANGED


def test_a_room_given_back_shows_the_old_setpoint_for_a_while() -> None:
    """Its mode may fit before its temperature does."""
    request = active("schedule")
    soon = NOW + 5 * SECOND
    old = replace(on_schedule(soon), setpoint=23.0)

    assert judged(request, old, soon) is Verdict.OPEN
    assert judged(request, on_schedule(soon), soon) is Verdict.CONFIRMED
    late = NOW + SETTLING
    assert judged(request, replace(old, asked_at=late), late) is Verdict.CONFIRMED
    nothing_known = active("schedule", room=situation(baseline=None))
    assert judged(nothing_known, old, soon) is Verdict.CONFIRMED


# What is sent again


def test_nothing_is_sent_while_nothing_is_due() -> None:
    """A confirmed request is left alone until it is to be renewed."""
    request = active("manual", 21)
    renew_at = request.plan.renew_at
    assert renew_at == NOW + HOUR

    before = next_plan(request, Verdict.CONFIRMED, situation(), renew_at - SECOND)
    renewal = next_plan(request, Verdict.CONFIRMED, situation(), renew_at)

    assert before is None
    assert renewal is not None
    assert renewal.request == request.request
    assert renewal.command.until == renew_at + 90 * MINUTE


@pytest.mark.parametrize("verdict", [Verdict.OPEN, Verdict.CHANGED, Verdict.ENDED])
def test_nothing_is_sent_where_it_might_overwrite(verdict: Verdict) -> None:
    """Only what the vendor still has, or has ended itself, is sent again."""
    late = NOW + 2 * HOUR

    assert next_plan(active("manual", 21), verdict, situation(), late) is None


def test_what_the_vendor_ended_is_sent_again() -> None:
    """For as long as it holds."""
    again = next_plan(
        active("max", until=None), Verdict.LAPSED, situation(), NOW + MINUTE
    )

    assert again is not None
    assert again.command.until == NOW + HOUR


def test_another_schedule_shortens_what_is_above_it_now() -> None:
    """20 °C was not above the old schedule and is above the new one."""
    request = active("manual", 20, room=situation(baseline=FixedBaseline(21)))
    assert request.plan.command.until == FOREVER
    later = NOW + HOUR

    same = next_plan(
        request, Verdict.CONFIRMED, situation(baseline=FixedBaseline(21)), later
    )
    unknown = next_plan(request, Verdict.CONFIRMED, situation(baseline=None), later)
    shorter = next_plan(request, Verdict.CONFIRMED, situation(), later)

    assert same is None
    assert unknown is None
    assert shorter is not None
    assert shorter.command.until == later + 90 * MINUTE


def test_an_emulated_mode_follows_the_schedules_temperatures() -> None:
    """Away is the selected schedule's away temperature."""
    request = active("away")
    warmer = next_plan(request, Verdict.CONFIRMED, situation(away=14), NOW + HOUR)
    without = next_plan(request, Verdict.CONFIRMED, situation(away=None), NOW + HOUR)

    assert warmer is not None
    assert warmer.command.temperature == 14
    assert without is None


def test_off_needs_no_call_for_a_whole_summer() -> None:
    """A valve is held at 7 °C, a thermostat off, until further notice."""
    for driven in (VALVE, THERMOSTAT):
        request = active("off", room=situation(driven))
        for days in range(1, 200):
            at = NOW + timedelta(days=days)
            verdict = judged(request, follows(request, at), at)
            assert verdict is Verdict.CONFIRMED
            assert next_plan(request, verdict, situation(driven), at) is None


# After a kill


def test_recalled_is_what_the_room_does() -> None:
    """Of an order that may have arrived and what was before."""
    new, old = active("manual", 21, accepted_at=None), active("off")
    at = NOW + MINUTE

    arrived = recalled((new, old), follows(new, at), at)
    lost = recalled((new, old), follows(old, at), at)
    neither = recalled((new, old), on_schedule(at), at)

    assert arrived == replace(new, accepted_at=at)
    assert lost == old
    assert neither is None


def test_recalled_forgets_what_has_ended() -> None:
    """An order whose end has come is nobody's."""
    new = active("manual", 21, accepted_at=None, until=NOW + MINUTE)

    assert recalled((new,), follows(new, NOW + HOUR), NOW + HOUR) is None


def test_a_kill_while_a_request_is_renewed() -> None:
    """The request is open as before; its end is the later one."""
    old = active("manual", 21)
    renewal = next_plan(old, Verdict.CONFIRMED, situation(), NOW + HOUR)
    assert renewal is not None
    new = ActiveRequest(plan=renewal)
    at = NOW + 5 * HOUR

    found = recalled((new, old), on_schedule(at), at)
    assert found == ActiveRequest(plan=renewal, accepted_at=NOW)
    assert judged(found, on_schedule(at), at) is Verdict.LAPSED


# What is stored


@given(
    mode=st.sampled_from(["manual", "max", "off", "schedule", "away", "frost_guard"]),
    driven=st.sampled_from([VALVE, THERMOSTAT]),
    minutes=st.none() | st.integers(1, 10_000),
    accepted=st.booleans(),
    home=st.none() | st.sampled_from(HomeMode),
)
def test_what_is_stored_is_what_is_read(
    mode: str,
    driven: RoomControl,
    minutes: int | None,
    accepted: bool,
    home: HomeMode | None,
) -> None:
    """Nothing is lost on disk."""
    ends = mode != "schedule" and minutes is not None
    request = active(
        mode,
        21 if mode == "manual" else None,
        room=situation(driven),
        until=NOW + (minutes or 0) * MINUTE if ends else None,
        accepted_at=NOW if accepted else None,
    )
    request = replace(request, home=home)

    assert ActiveRequest.from_data(request.as_data()) == request


def test_what_was_stored_without_the_homes_mode() -> None:
    """An older run did not know it."""
    request = active("off")
    data = request.as_data()
    del data["home"]

    assert ActiveRequest.from_data(data) == request


@pytest.mark.parametrize(
    "spoilt",
    [
        {"request": None},
        {"accepted_at": "2026-11-18T11:00:00"},
        {"accepted_at": "soon"},
        {"command": {}},
        {"home": "party"},
    ],
)
def test_what_is_spoilt_is_refused(spoilt: dict[str, Any]) -> None:
    """In a way that is expected."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        ActiveRequest.from_data(active("off").as_data() | spoilt)
