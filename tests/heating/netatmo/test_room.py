"""A room at run time, against a vendor that does what it is told and people who do too."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st

from custom_components.energy_homes.heating.model import RoomKind, SetpointMode
from custom_components.energy_homes.heating.netatmo.active import RoomReport
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
from custom_components.energy_homes.heating.netatmo.room import RoomState
from custom_components.energy_homes.heating.netatmo.schedule import (
    Baseline,
    FixedBaseline,
    RoomProgram,
    WeeklySchedule,
)
from custom_components.energy_homes.heating.records import RoomRecord
from custom_components.energy_homes.heating.setpoint import SetpointRequest

from .homes import COMFORT, ECO, NIGHT, ROOM, daily, schedule

START = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MARGIN: Final = timedelta(seconds=60)
"""Ends this close to each other are the same end."""

BERLIN = ZoneInfo("Europe/Berlin")
BASELINES: Final[tuple[Baseline, ...]] = (
    RoomProgram(
        WeeklySchedule(
            schedule(*daily((0, NIGHT), (360, COMFORT), (510, ECO), (1380, NIGHT))),
            BERLIN,
        ),
        ROOM,
    ),
    RoomProgram(WeeklySchedule(schedule(*daily((0, COMFORT))), BERLIN), ROOM),
    FixedBaseline(12),
)


def record(kind: RoomKind = RoomKind.VALVE) -> RoomRecord:
    """Return a room."""
    return RoomRecord(
        room_id="ours",
        hardware_id=ROOM,
        name="Study",
        kind=kind,
        call=RoomCall.SETROOMTHERMPOINT,
    )


def situation(
    baseline: Baseline | None, kind: RoomKind = RoomKind.VALVE
) -> RoomSituation:
    """Return what planning needs to know of the room."""
    return RoomSituation(
        room_id=ROOM,
        control=RoomControl(kind, RoomCall.SETROOMTHERMPOINT),
        away_temperature=12,
        frost_guard_temperature=7,
        baseline=baseline,
    )


COOL = situation(FixedBaseline(17))


def ask(
    mode: SetpointMode, temperature: float | None = None, room: RoomSituation = COOL
) -> SetpointPlan:
    """Return how a request is carried out at the start."""
    return plan_setpoint(
        SetpointRequest(mode=mode, temperature=temperature), room, START
    )


def report(
    mode: VendorMode | None, setpoint: float | None, at: datetime, end: datetime | None
) -> RoomReport:
    """Return what the vendor says at an instant."""
    return RoomReport(
        mode=mode, setpoint=setpoint, end=end, asked_at=at, reported_at=at
    )


def doing(plan: SetpointPlan, at: datetime) -> RoomReport:
    """Return a report of a room that does what was planned."""
    end = plan.command.until
    return report(
        plan.command.mode,
        plan.command.temperature,
        at,
        None if end in {None, FOREVER} else end,
    )


def scheduled(at: datetime) -> RoomReport:
    """Return a report of a room on its schedule."""
    return report(VendorMode.SCHEDULE, 17, at, None)


# One thing after the other


def test_nothing_was_asked() -> None:
    """The vendor says what the room does."""
    room = RoomState(record())

    assert (room.shown, room.pending, room.busy) == (None, False, False)
    assert room.take(scheduled(START), COOL, START) is None
    assert room.shown is None
    assert room.stored() == []


def test_shown_at_once_confirmed_later() -> None:
    """From the order to the read-back."""
    room = RoomState(record())
    plan = ask(SetpointMode.MANUAL, 21)
    order = room.begin(plan)

    assert room.shown is order
    assert room.pending
    assert room.busy
    room.accept(order, START)
    assert room.shown == replace(order, accepted_at=START)
    assert room.pending
    assert not room.busy
    late = START + 5 * timedelta(seconds=1)
    room.take(scheduled(late), COOL, late)
    assert room.pending
    room.take(doing(plan, START + MINUTE), COOL, START + MINUTE)
    assert room.shown is not None
    assert not room.pending


def test_a_refused_order_goes_back_to_what_was_before() -> None:
    """To what is active, or to what the vendor says."""
    room = RoomState(record())
    first = ask(SetpointMode.MANUAL, 21)
    room.drop(room.begin(first))
    assert room.shown is None

    room.accept(room.begin(first), START)
    room.drop(room.begin(ask(SetpointMode.OFF)))
    assert room.shown is not None
    assert room.shown.plan == first


def test_the_later_of_two_orders_is_shown() -> None:
    """Also where the earlier is answered first."""
    room = RoomState(record())
    first, second = ask(SetpointMode.MANUAL, 21), ask(SetpointMode.MANUAL, 19)
    one, two = room.begin(first), room.begin(second)

    assert room.shown is two
    room.accept(one, START)
    assert room.shown is two
    room.accept(two, START)
    assert room.shown is not None
    assert room.shown.plan == second


def test_a_room_that_is_given_back_holds_nothing() -> None:
    """Once the vendor says so."""
    room = RoomState(record())
    room.accept(room.begin(ask(SetpointMode.SCHEDULE)), START)
    assert room.pending

    room.take(scheduled(START + MINUTE), COOL, START + MINUTE)
    assert (room.shown, room.pending, room.stored()) == (None, False, [])


def test_somebody_else_changes_the_room() -> None:
    """The wheel, the app: what was asked is over, and nothing is sent."""
    room = RoomState(record())
    room.accept(room.begin(ask(SetpointMode.MANUAL, 21)), START)
    wheel = report(VendorMode.MANUAL, 25, START + HOUR, START + 3 * HOUR)

    assert room.take(wheel, COOL, START + HOUR) is None
    assert (room.shown, room.stored()) == (None, [])


def test_a_renewal_takes_the_place_of_what_it_renews() -> None:
    """It is shown as nothing new, and nothing else is sent meanwhile."""
    room = RoomState(record())
    plan = ask(SetpointMode.MANUAL, 21)
    room.accept(room.begin(plan), START)
    at = START + HOUR
    renewal = room.take(doing(plan, at), COOL, at)
    assert renewal is not None

    sent = room.begin_renewal(renewal)
    assert room.busy
    assert not room.pending
    assert len(room.stored()) == 2
    assert room.take(doing(plan, at), COOL, at) is None
    room.end_renewal(sent, accepted_at=at)
    assert room.active is not None
    assert room.active.plan == renewal
    assert not room.pending
    assert len(room.stored()) == 1


def test_a_renewal_that_failed_is_due_again() -> None:
    """With the first report after a minute."""
    room = RoomState(record())
    plan = ask(SetpointMode.MANUAL, 21)
    room.accept(room.begin(plan), START)
    at = START + HOUR
    renewal = room.take(doing(plan, at), COOL, at)
    assert renewal is not None
    room.end_renewal(room.begin_renewal(renewal), failed_at=at)

    assert room.active is not None
    assert room.active.plan == plan
    early = at + 59 * timedelta(seconds=1)
    assert room.take(doing(plan, early), COOL, early) is None
    assert room.take(doing(plan, at + MINUTE), COOL, at + MINUTE) is not None
    room.give_up()
    assert room.take(doing(plan, at + MINUTE), COOL, at + MINUTE) is None
    assert room.shown is None


def test_renewals_that_go_on_failing_become_rare() -> None:
    """After 1, 2, 4, 8 and 15 minutes; one that is accepted begins anew."""
    room = RoomState(record())
    plan = ask(SetpointMode.MANUAL, 21)
    room.accept(room.begin(plan), START)

    def tries(minutes: int) -> list[int]:
        """Return at which minutes after the first hour a renewal is sent, and fails."""
        sent = []
        for minute in range(minutes):
            at = START + HOUR + minute * MINUTE
            if (renewal := room.take(doing(plan, at), COOL, at)) is not None:
                room.end_renewal(room.begin_renewal(renewal), failed_at=at)
                sent.append(minute)
        return sent

    assert tries(29) == [0, 1, 3, 7, 15]
    at = START + HOUR + 30 * MINUTE
    renewal = room.take(doing(plan, at), COOL, at)
    assert renewal is not None
    room.end_renewal(room.begin_renewal(renewal), accepted_at=at)
    due = at + HOUR
    again = room.take(doing(renewal, due), COOL, due)
    assert again is not None
    room.end_renewal(room.begin_renewal(again), failed_at=due)
    soon = due + MINUTE
    assert room.take(doing(renewal, soon), COOL, soon) is not None


def test_a_new_command_forgets_the_failures_of_an_old_one() -> None:
    """Its own renewals are sent when they are due; so they are by a clock set back."""
    room = RoomState(record())
    plan = ask(SetpointMode.MANUAL, 21)
    for failed_at in (START + HOUR, START + 5 * HOUR):
        room.accept(room.begin(plan), START)
        room.end_renewal(room.begin_renewal(plan), failed_at=failed_at)
        at = START + HOUR
        waits = failed_at == at
        assert (room.take(doing(plan, at), COOL, at) is None) is waits


def test_a_renewal_that_arrived_although_it_failed() -> None:
    """The room says so, and nobody is taken to have changed it."""
    room = RoomState(record())
    plan = ask(SetpointMode.MANUAL, 21)
    room.accept(room.begin(plan), START)
    at = START + HOUR
    renewal = room.take(doing(plan, at), COOL, at)
    assert renewal is not None
    room.end_renewal(room.begin_renewal(renewal), failed_at=at, unsure=True)
    assert len(room.stored()) == 2

    later = at + 5 * MINUTE
    assert room.take(doing(renewal, later), COOL, later) is None
    assert room.active is not None
    assert room.active.plan == renewal
    assert not room.pending
    assert len(room.stored()) == 1


def test_a_renewal_makes_way_for_something_newer() -> None:
    """What was cancelled can be ended again without harm, and may have arrived."""
    room = RoomState(record())
    assert not room.cancel_renewal()
    plan = ask(SetpointMode.MANUAL, 21)
    room.accept(room.begin(plan), START)
    at = START + HOUR
    renewal = room.take(doing(plan, at), COOL, at)
    assert renewal is not None
    sent = room.begin_renewal(renewal)
    order = room.begin(ask(SetpointMode.OFF))
    assert room.cancel_renewal()
    room.end_renewal(sent, failed_at=at)
    room.drop(order)
    room.take(doing(renewal, at + MINUTE), COOL, at + MINUTE)
    assert room.active is not None
    assert room.active.plan == renewal

    room.accept(room.begin(ask(SetpointMode.OFF)), at)
    assert len(room.stored()) == 1


# Nobody knows what came of it


def test_an_order_that_may_have_arrived() -> None:
    """What was before is shown until the room tells."""
    off, warm = ask(SetpointMode.OFF), ask(SetpointMode.MANUAL, 21)
    for reported, active in ((warm, warm), (off, off)):
        room = RoomState(record())
        room.accept(room.begin(off), START)
        order = room.begin(warm)
        room.doubt(order, START + MINUTE)
        room.drop(order)
        assert room.shown is not None
        assert room.shown.plan == off
        assert len(room.stored()) == 2

        room.take(doing(reported, START + MINUTE), COOL, START + MINUTE)
        assert len(room.stored()) == 2
        late = START + 2 * MINUTE
        room.take(doing(reported, late), COOL, late)
        assert room.shown is not None
        assert room.shown.plan == active
        assert not room.pending
        assert len(room.stored()) == 1


def test_an_order_that_may_still_show() -> None:
    """For a minute what was before proves nothing; the order itself does at once."""
    warm = ask(SetpointMode.MANUAL, 21)
    soon = START + 5 * timedelta(seconds=1)
    room = RoomState(record())
    room.doubt(room.begin(warm), START)
    room.take(scheduled(soon), COOL, soon)
    assert len(room.stored()) == 1
    room.take(scheduled(START + MINUTE), COOL, START + MINUTE)
    assert room.stored() == []

    room.doubt(room.begin(warm), START)
    room.take(doing(warm, soon), COOL, soon)
    assert room.active is not None
    assert room.active.plan == warm


def test_an_order_that_was_answered_is_not_in_doubt() -> None:
    """What was accepted, or dropped, cannot be unsure any more."""
    room = RoomState(record())
    order = room.begin(ask(SetpointMode.OFF))
    room.drop(order)
    room.doubt(order, START)

    assert room.stored() == []


def test_a_clock_that_was_set_back_leaves_no_doubt() -> None:
    """The room is believed at once."""
    room = RoomState(record())
    room.doubt(room.begin(ask(SetpointMode.OFF)), START + HOUR)
    room.take(scheduled(START), COOL, START)

    assert room.stored() == []


def test_an_order_and_a_renewal_that_may_have_arrived() -> None:
    """The room may follow either of them, or what was before both."""
    plan, off = ask(SetpointMode.MANUAL, 21), ask(SetpointMode.OFF)
    at = START + HOUR
    renewal = plan_setpoint(plan.request, COOL, at)
    for reported in (plan, renewal, off):
        room = RoomState(record())
        room.accept(room.begin(plan), START)
        room.begin_renewal(renewal)
        order = room.begin(off)
        room.cancel_renewal()
        room.doubt(order, at)
        room.take(doing(reported, at + MINUTE), COOL, at + MINUTE)
        assert room.active is not None
        assert room.active.plan == reported


# Another run


def test_a_restart_shows_what_was_asked_once_the_vendor_agrees() -> None:
    """Frost guard on a valve is manual to the vendor."""
    before = RoomState(record())
    plan = ask(SetpointMode.FROST_GUARD)
    before.accept(before.begin(plan), START)
    room = RoomState(record())
    room.restore(before.stored())

    assert (room.shown, room.pending) == (None, False)
    at = START + HOUR
    room.take(report(None, None, at, None), COOL, at)
    assert room.shown is None
    room.take(doing(plan, at), COOL, at)
    assert room.shown is not None
    assert room.shown.request.mode is SetpointMode.FROST_GUARD
    assert not room.pending


def test_a_kill_while_an_order_was_under_way() -> None:
    """The room says which of the two it does."""
    killed = RoomState(record())
    off, warm = ask(SetpointMode.OFF), ask(SetpointMode.MANUAL, 21)
    killed.accept(killed.begin(off), START)
    killed.begin(warm)
    at = START + HOUR
    for plan in (off, warm):
        room = RoomState(record())
        room.restore(killed.stored())
        room.take(doing(plan, at), COOL, at)
        assert room.active is not None
        assert room.active.plan == plan
        assert len(room.stored()) == 1
    room = RoomState(record())
    room.restore(killed.stored())
    room.take(scheduled(at), COOL, at)
    assert room.stored() == []


def test_what_was_told_long_ago_is_no_reason_to_send() -> None:
    """A status that the account still has from before says nothing of now."""
    killed = RoomState(record())
    plan = ask(SetpointMode.MANUAL, 21)
    killed.accept(killed.begin(plan), START)
    old = doing(plan, START + 2 * MINUTE)
    room = RoomState(record())
    room.restore(killed.stored())
    at = START + HOUR

    assert room.take(old, COOL, at) is None
    assert room.take(doing(plan, at), COOL, at) is not None
    killed.begin(ask(SetpointMode.OFF))
    unsure = RoomState(record())
    unsure.restore(killed.stored())
    unsure.take(old, COOL, at)
    assert len(unsure.stored()) == 2


def test_a_new_order_ends_the_doubt() -> None:
    """What a killed run asked no longer counts."""
    killed = RoomState(record())
    killed.begin(ask(SetpointMode.MANUAL, 21))
    room = RoomState(record())
    room.restore(killed.stored())
    room.accept(room.begin(ask(SetpointMode.OFF)), START)

    assert len(room.stored()) == 1


def test_what_cannot_be_read_is_left_out() -> None:
    """A spoilt file costs what is spoilt."""
    before = RoomState(record())
    before.accept(before.begin(ask(SetpointMode.OFF)), START)
    (good,) = before.stored()
    room = RoomState(record())
    room.restore([{}, {**good, "accepted_at": 5}, good])

    assert room.stored() == [good]


# People, the vendor and time in any order


@dataclass
class World:
    """The vendor's end of a room, our end, and what would be wrong between them."""

    kind: RoomKind
    now: datetime = START
    baseline: Baseline = BASELINES[0]
    room: RoomState = field(init=False)
    set_to: RoomCommand | None = None
    """What the vendor has the room set to; None on its schedule."""

    ours: RoomCommand | None = None
    """The last command of ours that the vendor accepted."""

    asked: SetpointRequest | None = None
    like: list[SetpointRequest] = field(default_factory=list)
    """What was asked since and never arrived, but would have looked just the same."""

    sent: int = 0

    def __post_init__(self) -> None:
        """Begin with a room on its schedule."""
        self.room = RoomState(record(self.kind))

    @property
    def situation(self) -> RoomSituation:
        """Return the room as it is planned for."""
        return situation(self.baseline, self.kind)

    @property
    def present(self) -> RoomCommand | None:
        """Return what the vendor has the room set to now."""
        command = self.set_to
        over = (
            command is None
            or command.mode is VendorMode.HOME
            or (command.until is not None and command.until <= self.now)
        )
        return None if over else command

    def obey(self, plan: SetpointPlan) -> None:
        """Do what we command; it must not be too long."""
        self.set_to = self.ours = plan.command
        self.check_length(plan)

    def check_length(self, plan: SetpointPlan) -> None:
        """Refuse to be left above what the room would do for more than 90 minutes."""
        command, temperature = plan.command, plan.temperature
        if plan.request.mode not in {SetpointMode.MANUAL, SetpointMode.MAX}:
            return
        assert temperature is not None
        assert command.until is not None
        above = self.baseline.first_below(temperature, self.now)
        assert above is None or command.until <= above + LONGEST_ABOVE

    def pass_time(self, minutes: int) -> None:
        """Let time go by."""
        self.now += minutes * MINUTE

    def request(self, mode: SetpointMode, minutes: int | None, answer: str) -> None:
        """Have somebody ask something of us."""
        wanted = SetpointRequest(
            mode=mode,
            temperature=21 if mode is SetpointMode.MANUAL else None,
            until=None
            if minutes is None or mode is SetpointMode.SCHEDULE
            else self.now + minutes * MINUTE,
        )
        plan = plan_setpoint(wanted, self.situation, self.now)
        order = self.room.begin(plan)
        assert self.room.shown is order
        if answer in {"accepted", "killed after", "lost after"}:
            self.obey(plan)
            self.asked = wanted
            self.like = []
        elif answer != "refused" and self.looks_like(plan.command):
            self.like.append(wanted)
        if answer.startswith("killed"):
            self.restart()
        elif answer.startswith("lost"):
            self.room.doubt(order, self.now)
        elif answer == "accepted":
            self.room.accept(order, self.now)
        else:
            self.room.drop(order)

    def looks_like(self, command: RoomCommand) -> bool:
        """Return whether nobody can tell a command from the one that arrived last."""
        ours = self.ours
        if ours is None or (ours.mode, ours.temperature) != (
            command.mode,
            command.temperature,
        ):
            return False
        if ours.until is None or command.until is None:
            return ours.until is command.until
        return abs(ours.until - command.until) <= MARGIN

    def restart(self) -> None:
        """Kill Home Assistant and start it again."""
        stored = self.room.stored()
        self.room = RoomState(record(self.kind))
        self.room.restore(stored)

    def app(self, mode: VendorMode, temperature: float, minutes: int | None) -> None:
        """Have somebody change the room elsewhere."""
        self.set_to = RoomCommand(
            call=RoomCall.SETROOMTHERMPOINT,
            room_id=ROOM,
            mode=mode,
            temperature=temperature if mode is VendorMode.MANUAL else None,
            until=FOREVER if minutes is None else self.now + minutes * MINUTE,
        )

    def tell(self, answer: str) -> None:
        """Have the vendor say how the room is; whatever is due is sent."""
        command = self.present
        if command is None:
            temperature = self.baseline.temperature_at(self.now)
            reported = report(VendorMode.SCHEDULE, temperature, self.now, None)
        else:
            end = None if command.until == FOREVER else command.until
            reported = report(command.mode, command.temperature, self.now, end)
        plan = self.room.take(reported, self.situation, self.now)
        if plan is None:
            self.check_told()
            return
        self.check_sent(plan)
        renewal = self.room.begin_renewal(plan)
        if answer in {"accepted", "killed after"}:
            self.obey(plan)
            self.sent += 1
        if answer.startswith("killed"):
            self.restart()
        elif answer == "accepted":
            self.room.end_renewal(renewal, accepted_at=self.now)
        else:
            self.room.end_renewal(
                renewal, failed_at=self.now, unsure=answer == "lost before"
            )

    def check_sent(self, plan: SetpointPlan) -> None:
        """Nothing that ended is sent, and nobody else's change is overwritten."""
        until = plan.request.until
        assert until is None or until > self.now
        assert plan.request in (self.asked, *self.like)
        assert self.ours is not None
        present = self.present
        if present is None:
            assert self.ours.until is not None
            assert self.ours.until - MARGIN <= self.now
        else:
            assert (present.mode, present.temperature) == (
                self.ours.mode,
                self.ours.temperature,
            )
            assert present.until is not None
            assert self.ours.until is not None
            assert abs(present.until - self.ours.until) <= MARGIN

    def check_told(self) -> None:
        """What is active and confirmed is not left above for too long by another schedule."""
        active, present = self.room.active, self.present
        if active is None or present is None or present is not self.ours:
            return
        if active.accepted_at is None or self.now < active.accepted_at + MARGIN:
            return
        fresh = plan_setpoint(active.request, self.situation, self.now)
        assert present.until is not None
        assert fresh.command.until is not None
        assert present.until <= fresh.command.until + MARGIN


ANSWERS = st.sampled_from(
    ["accepted"] * 6
    + ["refused", "killed before", "killed after", "lost before", "lost after"]
)
PAUSES = st.sampled_from([1, 2, 5, 29, 35, 61, 61, 95, 700])
REQUESTS = st.tuples(
    st.just("request"),
    st.sampled_from([SetpointMode.MANUAL] * 4 + list(SetpointMode)),
    st.sampled_from([None, None, None, 1, 45, 240]),
    ANSWERS,
)
OTHERS = st.one_of(
    st.tuples(
        st.just("app"),
        st.sampled_from([VendorMode.MANUAL, VendorMode.HOME]),
        st.sampled_from([12.0, 21.0, 24.5]),
        st.sampled_from([None, 30, 180]),
    ),
    st.tuples(st.just("schedule"), st.sampled_from(BASELINES)),
    st.tuples(st.just("restart")),
)
ROUNDS = st.tuples(
    st.none() | REQUESTS, PAUSES, st.none() | OTHERS, PAUSES | st.none(), ANSWERS
)
"""Somebody may ask something; later something else may happen; then the vendor answers."""


@settings(max_examples=400, deadline=None)
@given(
    kind=st.sampled_from(RoomKind),
    baseline=st.sampled_from(BASELINES),
    first=REQUESTS,
    rounds=st.lists(ROUNDS, min_size=1, max_size=12),
    seconds=st.integers(0, 59),
)
def test_people_the_vendor_and_time(
    kind: RoomKind,
    baseline: Baseline,
    first: tuple[object, ...],
    rounds: list[tuple[Any, int, Any, int | None, str]],
    seconds: int,
) -> None:
    """In whatever order things happen: `World` says what must not."""
    world = World(kind, baseline=baseline)
    actions: dict[str, Callable[..., object]] = {
        "request": world.request,
        "app": world.app,
        "schedule": lambda baseline: setattr(world, "baseline", baseline),
        "restart": world.restart,
    }
    steps: list[tuple[Any, int, Any, int | None, str]]
    steps = [(first, 2, None, None, "accepted"), *rounds]
    for request, minutes, other, more, answer in steps:
        for step in (request, other):
            if step is not None:
                actions[step[0]](*step[1:])
            world.pass_time(minutes)
            world.now += seconds * timedelta(seconds=1)
        world.pass_time(more or 0)
        world.tell(answer)


@settings(max_examples=12, deadline=None)
@given(kind=st.sampled_from(RoomKind), spacing=st.integers(1, 14))
def test_a_request_without_an_end_holds_for_days(kind: RoomKind, spacing: int) -> None:
    """Through all of the schedule, as long as the vendor answers now and then."""
    world = World(kind)
    world.request(SetpointMode.MANUAL, None, "accepted")
    while world.now < START + timedelta(days=3):
        world.pass_time(2 * spacing)
        assert world.present is not None
        assert world.present.temperature == 21
        world.tell("accepted")
    # Below the schedule nothing is sent: 21 °C is above it for 21.5 hours of the day.
    assert 0 < world.sent <= 3 * 24


def test_a_room_that_is_off_needs_no_call_all_summer() -> None:
    """Whatever its kind."""
    for kind in RoomKind:
        world = World(kind)
        world.request(SetpointMode.OFF, None, "accepted")
        for _ in range(24 * 120):
            world.pass_time(60)
            world.tell("accepted")
        assert world.sent == 0
        assert world.room.active is not None


def test_a_dead_server_leaves_no_room_hot() -> None:
    """The vendor ends by itself what was above the schedule."""
    world = World(RoomKind.VALVE)
    world.request(SetpointMode.MAX, None, "accepted")
    world.pass_time(91)

    assert world.present is None
