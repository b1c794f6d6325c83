"""What is asked of a room, and the vendor's command that does it."""

from datetime import UTC, datetime, timedelta
from math import inf, nan
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.energy_homes.heating.model import SetpointMode
from custom_components.energy_homes.heating.netatmo.model import (
    FOREVER,
    RoomCall,
    RoomControl,
    VendorMode,
)
from custom_components.energy_homes.heating.netatmo.plan import (
    LONGEST_ABOVE,
    RoomCommand,
    RoomSituation,
    SetpointPlan,
    plan_setpoint,
)
from custom_components.energy_homes.heating.netatmo.schedule import (
    Baseline,
    FixedBaseline,
    RoomProgram,
    WeeklySchedule,
)
from custom_components.energy_homes.heating.refused import (
    HeatingProblem,
    HeatingRequestError,
)
from custom_components.energy_homes.heating.setpoint import setpoint_request
from tests.heating.netatmo.homes import COMFORT, NIGHT, ROOM, control, daily, schedule

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
"""Noon on the wall: the program asks for 21 °C until 23:00."""

HOUR = timedelta(hours=1)
VALVE = control("NRV")
THERMOSTAT = control("NATherm1")
MODULATING = control("OTM")
PROGRAM = RoomProgram(
    WeeklySchedule(schedule(*daily((0, NIGHT), (360, COMFORT), (1380, NIGHT))), BERLIN),
    ROOM,
)
controls = st.sampled_from(
    [VALVE, THERMOSTAT, MODULATING, control("NRV", home=("OTM",))]
)
steps = st.integers(14, 60).map(lambda halves: halves / 2)
whiles = st.none() | st.floats(0.01, 60 * 24 * 400)


def situation(
    driven: RoomControl = VALVE,
    baseline: Baseline | None = PROGRAM,
    away: float | None = 12,
    frost_guard: float | None = 7,
) -> RoomSituation:
    """Return a room."""
    return RoomSituation(
        room_id=ROOM,
        control=driven,
        away_temperature=away,
        frost_guard_temperature=frost_guard,
        baseline=baseline,
    )


def plan(
    mode: str,
    temperature: float | None = None,
    *,
    room: RoomSituation | None = None,
    minutes: float | None = None,
    until: datetime | None = None,
) -> SetpointPlan:
    """Return how a request of now is carried out."""
    request = setpoint_request(
        mode, now=NOW, temperature=temperature, minutes=minutes, until=until
    )
    return plan_setpoint(request, room or situation(), NOW)


def refused(
    mode: str,
    temperature: float | None = None,
    *,
    minutes: float | None = None,
    until: datetime | None = None,
) -> HeatingRequestError:
    """Return how a request is refused."""
    with pytest.raises(HeatingRequestError) as caught:
        setpoint_request(
            mode, now=NOW, temperature=temperature, minutes=minutes, until=until
        )
    return caught.value


@pytest.mark.parametrize("temperature", [6.9, 30.1, -1, 0, 70, nan, inf, -inf])
def test_temperature_out_of_range(temperature: float) -> None:
    """7 ... 30 °C, and the text names them."""
    error = refused("manual", temperature)
    assert error.problem is HeatingProblem.TEMPERATURE_RANGE
    assert error.placeholders == {
        "temperature": f"{temperature:g}",
        "min": "7",
        "max": "30",
    }


def test_temperature_missing_or_unwanted() -> None:
    """Manual needs a temperature, and no other mode takes one."""
    assert refused("manual").problem is HeatingProblem.TEMPERATURE_MISSING
    for mode in ("max", "off", "schedule", "away", "frost_guard"):
        error = refused(mode, 20)
        assert error.problem is HeatingProblem.TEMPERATURE_UNWANTED
        assert error.placeholders == {"mode": mode}


@pytest.mark.parametrize("minutes", [0, -1, -0.5, nan, inf])
def test_minutes_out_of_range(minutes: float) -> None:
    """Minutes are more than none, whatever the mode."""
    for mode, temperature in (("manual", 20), ("max", None), ("off", None)):
        error = refused(mode, temperature, minutes=minutes)
        assert error.problem is HeatingProblem.MINUTES_RANGE


def test_ends_that_cannot_be() -> None:
    """An end lies ahead, is said once, and not where it means nothing."""
    assert refused("off", until=NOW).problem is HeatingProblem.END_PAST
    past = refused("away", until=NOW - HOUR)
    assert past.problem is HeatingProblem.END_PAST
    assert past.placeholders == {"until": "2026-11-18T10:00:00+00:00"}
    twice = refused("manual", 20, minutes=5, until=NOW + HOUR)
    assert twice.problem is HeatingProblem.END_TWICE
    assert refused("schedule", minutes=5).problem is HeatingProblem.END_UNWANTED
    assert refused("schedule", until=NOW + HOUR).problem is HeatingProblem.END_UNWANTED
    with pytest.raises(ValueError, match="no time zone"):
        setpoint_request("off", now=NOW, until=datetime(2026, 12, 1))


def test_unknown_mode() -> None:
    """The text names the choices."""
    error = refused("hg")
    assert error.problem is HeatingProblem.MODE_UNKNOWN
    assert error.placeholders == {
        "mode": "hg",
        "choices": "manual, max, off, schedule, away, frost_guard",
    }


@pytest.mark.parametrize(
    ("asked", "set_to"),
    [(7, 7), (30, 30), (20.3, 20.5), (20.2, 20), (20.25, 20.5), (20.75, 21)],
)
def test_temperatures_are_in_the_vendors_steps(asked: float, set_to: float) -> None:
    """A temperature is rounded to half degrees."""
    assert plan("manual", asked).command.temperature == set_to


def test_fahrenheit_at_the_bounds() -> None:
    """86 °F and 44.6 °F are 30 and 7 °C however they were converted."""
    assert plan("manual", (86 - 32) / 1.8 + 1e-9).temperature == 30
    assert plan("manual", (44.6 - 32) / 1.8 - 1e-9).temperature == 7


@pytest.mark.parametrize(
    ("mode", "driven", "vendor_mode", "temperature", "shown", "emulated"),
    [
        ("off", VALVE, VendorMode.MANUAL, 7, 7, True),
        ("off", THERMOSTAT, VendorMode.OFF, None, None, False),
        ("off", MODULATING, VendorMode.OFF, None, None, False),
        ("max", VALVE, VendorMode.MANUAL, 30, 30, True),
        ("max", THERMOSTAT, VendorMode.MAX, None, 30, False),
        ("away", VALVE, VendorMode.MANUAL, 12, 12, True),
        ("away", THERMOSTAT, VendorMode.MANUAL, 12, 12, True),
        ("frost_guard", VALVE, VendorMode.MANUAL, 7, 7, True),
        ("schedule", VALVE, VendorMode.HOME, None, 21, False),
        ("schedule", THERMOSTAT, VendorMode.HOME, None, 21, False),
    ],
)
def test_modes(
    mode: str,
    driven: RoomControl,
    vendor_mode: VendorMode,
    temperature: float | None,
    shown: float | None,
    emulated: bool,
) -> None:
    """Each mode is for this room only, and emulated where the room cannot, visibly."""
    found = plan(mode, room=situation(driven))
    assert (found.command.call, found.command.room_id) == (driven.call, ROOM)
    assert (found.command.mode, found.command.temperature) == (vendor_mode, temperature)
    assert (found.temperature, found.emulated) == (shown, emulated)
    assert found.request.mode is SetpointMode(mode)


def test_schedule_has_no_end() -> None:
    """Back to the schedule is a command without temperature and end."""
    assert plan("schedule").command == RoomCommand(
        call=RoomCall.SETROOMTHERMPOINT, room_id=ROOM, mode=VendorMode.HOME
    )
    assert plan("schedule", room=situation(baseline=None)).temperature is None


def test_homes_without_a_schedule() -> None:
    """Frost guard is then the vendor's own, and away has no temperature."""
    room = situation(away=None, frost_guard=None, baseline=None)
    assert plan("frost_guard", room=room).temperature == 7
    with pytest.raises(HeatingRequestError) as caught:
        plan("away", room=room)
    assert caught.value.problem is HeatingProblem.MODE_NOT_FOR_ROOM
    assert caught.value.placeholders == {
        "mode": "away",
        "choices": "manual, max, off, schedule, frost_guard",
    }


def test_temperatures_of_a_schedule_that_a_room_cannot_have() -> None:
    """Away at 5 °C is the least that a room takes."""
    assert plan("away", room=situation(away=5)).command.temperature == 7
    assert plan("frost_guard", room=situation(frost_guard=5)).temperature == 7


@pytest.mark.parametrize("driven", [VALVE, THERMOSTAT, MODULATING])
@pytest.mark.parametrize("mode", ["off", "away", "frost_guard"])
def test_a_room_that_is_off_stays_off(driven: RoomControl, mode: str) -> None:
    """Off, away and frost guard hold until further notice, a summer long."""
    found = plan(mode, room=situation(driven))
    assert found.command.until == FOREVER
    assert found.renew_at is None
    end = NOW + 100 * HOUR
    assert plan(mode, room=situation(driven), until=end).command.until == end


def test_above_the_schedule() -> None:
    """More than the schedule asks ends after 90 minutes and is renewed before."""
    found = plan("manual", 22)
    assert found.command.until == NOW + timedelta(minutes=90)
    assert found.renew_at == NOW + timedelta(minutes=60)
    later = plan_setpoint(found.request, situation(), found.renew_at)
    assert later.command.until == found.renew_at + timedelta(minutes=90)


def test_below_the_schedule() -> None:
    """What is lower now and always holds until further notice, or for as long as asked."""
    found = plan("manual", 17)
    assert (found.command.until, found.renew_at) == (FOREVER, None)
    found = plan("manual", 17, minutes=1440 * 30)
    assert (found.command.until, found.renew_at) == (NOW + 720 * HOUR, None)


def test_lower_now_and_above_tonight() -> None:
    """20 °C is less than the day asks, and more than the night: the night limits it."""
    found = plan("manual", 20)
    eleven = datetime(2026, 11, 18, 23, 0, tzinfo=BERLIN)
    assert found.command.until == eleven + timedelta(minutes=90)
    assert found.renew_at == eleven + timedelta(minutes=60)
    short = plan("manual", 20, until=eleven)
    assert (short.command.until, short.renew_at) == (eleven, None)


def test_a_home_that_is_away_counts() -> None:
    """In a home that is away the schedule's comfort is above what the room would do."""
    found = plan("manual", 19, room=situation(baseline=FixedBaseline(12)))
    assert found.command.until == NOW + timedelta(minutes=90)
    found = plan("manual", 12, room=situation(baseline=FixedBaseline(12)))
    assert found.command.until == FOREVER


def test_boost() -> None:
    """Boost is an hour unless said otherwise, and longer ones are renewed."""
    hour = plan("max")
    assert (hour.command.until, hour.renew_at) == (NOW + HOUR, None)
    long = plan("max", minutes=180)
    assert (long.command.until, long.renew_at) == (NOW + 1.5 * HOUR, NOW + HOUR)
    assert long.request.until == NOW + 3 * HOUR


def test_days_count() -> None:
    """A day and two hours are 26 hours."""
    minutes = timedelta(days=1, hours=2) / timedelta(minutes=1)
    assert plan("off", minutes=minutes).command.until == NOW + 26 * HOUR


def test_an_end_beyond_what_the_vendor_knows() -> None:
    """An end in a far century is until further notice."""
    assert plan("off", minutes=1e300).command.until == FOREVER
    assert plan("off", until=FOREVER + HOUR).request.until is None


def test_renewing_what_has_ended() -> None:
    """A request whose end has come is not sent again."""
    request = setpoint_request("max", now=NOW, minutes=60)
    with pytest.raises(HeatingRequestError) as caught:
        plan_setpoint(request, situation(), NOW + HOUR)
    assert caught.value.problem is HeatingProblem.END_PAST


@settings(deadline=None)
@given(controls, steps, whiles, st.none() | st.just(PROGRAM), st.integers(0, 10080))
def test_a_dead_server_never_leaves_a_room_hot(
    driven: RoomControl,
    temperature: float,
    minutes: float | None,
    baseline: Baseline | None,
    later: int,
) -> None:
    """No setpoint is above the schedule for more than 90 minutes without us."""
    now = NOW + timedelta(minutes=later)
    request = setpoint_request(
        "manual", now=now, temperature=temperature, minutes=minutes
    )
    room = situation(driven, baseline)
    found = plan_setpoint(request, room, now)
    end = found.command.until
    assert end is not None
    assert now < end <= (request.until or FOREVER)
    hot_end = min(end, now + timedelta(days=9))
    hot = [
        at
        for step in range(200)
        if (at := now + step * (hot_end - now) / 200)
        and (baseline is None or (baseline.temperature_at(at) or 0) < temperature)
    ]
    assert not hot or hot[-1] - hot[0] <= LONGEST_ABOVE
    # It is renewed in time exactly where more was asked for.
    assert (found.renew_at is None) == (end == (request.until or FOREVER))
    assert found.renew_at is None or now < found.renew_at < end


@settings(deadline=None)
@given(
    st.sampled_from(SetpointMode),
    controls,
    st.none() | st.floats(),
    st.none() | st.floats(),
    st.none() | st.datetimes(timezones=st.just(UTC)),
)
def test_whatever_is_asked_is_carried_out_or_refused(
    mode: SetpointMode,
    driven: RoomControl,
    temperature: float | None,
    minutes: float | None,
    until: datetime | None,
) -> None:
    """Every command is within what the vendor takes."""
    try:
        request = setpoint_request(
            mode, now=NOW, temperature=temperature, minutes=minutes, until=until
        )
    except HeatingRequestError:
        return
    command = plan_setpoint(request, situation(driven), NOW).command
    assert (command.temperature is None) == (command.mode is not VendorMode.MANUAL)
    assert command.temperature is None or command.temperature * 2 in range(14, 61)
    assert (command.until is None) == (command.mode is VendorMode.HOME)
    assert command.until is None or NOW < command.until <= FOREVER
