"""When a Netatmo account asks for what, without a cloud."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
import itertools
from random import Random

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.energy_homes.accounts.netatmo.budget import CallPriority
from custom_components.energy_homes.accounts.netatmo.changes import (
    contradictions,
    moved,
)
from custom_components.energy_homes.accounts.netatmo.plan import (
    QUIET_AFTER_S,
    QUIET_STATUS_S,
    READ_BACKS_S,
    STATUS_S,
    PollPlan,
)
from custom_components.energy_homes.accounts.netatmo.repeated import Poll
from custom_components.energy_homes.accounts.netatmo.topology_plan import (
    DOUBTS_S,
    TOPOLOGY_READ_BACKS_S,
    TOPOLOGY_S,
)
from custom_components.energy_homes.clouds.netatmo.models import (
    HomeStatus,
    HomeTopology,
    ModuleStatus,
    RoomStatus,
)
from custom_components.energy_homes.heating.model import HomeMode
from custom_components.energy_homes.heating.netatmo.model import VendorMode
from custom_components.energy_homes.heating.netatmo.schedule import WeeklySchedule
from tests.heating.netatmo.homes import (
    COMFORT,
    NIGHT,
    ROOM as PROGRAM_ROOM,
    daily,
    schedule,
)

PLENTY = 400
HOUR_S = 3600.0
AT = datetime(2026, 11, 18, 10, tzinfo=UTC)

ON_SCHEDULE = HomeTopology(
    home_id="h",
    name="Home",
    time_zone=None,
    mode=HomeMode.SCHEDULE,
    mode_end=None,
    default_duration=None,
    cooling=False,
)

seeds = st.integers(0, 2**32).map(Random)


class Account:
    """A plan, and a cloud that answers everything at once."""

    def __init__(
        self, homes: Iterable[str], random: Random, hourly: int = PLENTY
    ) -> None:
        """Begin with these homes."""
        self.plan = PollPlan(random)
        self.hourly = hourly
        self.now_s = 1000.0
        self.still: set[str] = set()
        self.log: list[tuple[float, str | None, CallPriority]] = []
        self.plan.follow(set(homes), self.now_s)

    @property
    def next(self) -> Poll:
        """Return the next call."""
        return self.plan.next(self.now_s, hourly=self.hourly, free_s={})

    def run(self, seconds: float) -> list[tuple[float, str | None, CallPriority]]:
        """Make the calls of some time; return them."""
        end_s = self.now_s + seconds
        begin = len(self.log)
        while (poll := self.next).at_s < end_s:
            self.now_s = max(self.now_s, poll.at_s)
            self.log.append((self.now_s, poll.home_id, poll.priority))
            if poll.home_id is None:
                self.plan.topology.came(self.now_s)
            else:
                self.plan.status_came(
                    poll.home_id,
                    self.now_s,
                    hourly=self.hourly,
                    moved=poll.home_id not in self.still,
                )
        self.now_s = end_s
        return self.log[begin:]


def stamps(
    log: Iterable[tuple[float, str | None, CallPriority]], home: str | None
) -> list[float]:
    """Return when a home, or the topology, was asked."""
    return [at_s for at_s, home_id, _priority in log if home_id == home]


def homes(count: int) -> list[str]:
    """Return the ids of some homes."""
    return [f"home-{number}" for number in range(count)]


@settings(deadline=None, max_examples=40)
@given(count=st.integers(1, 25), hourly=st.integers(20, 400), random=seeds)
def test_share_is_kept(count: int, hourly: int, random: Random) -> None:
    """No hour has more calls than the account's share, and no home is forgotten."""
    account = Account(homes(count), random, hourly)
    begin_s = account.now_s
    account.run(4 * HOUR_S)
    for hour in range(6):
        begun_s = begin_s + hour * HOUR_S / 2
        calls = [at_s for at_s, *_ in account.log if begun_s <= at_s < begun_s + HOUR_S]
        # In the first hour each home is asked once more, before its turn is known.
        assert len(calls) <= hourly + count
    interval_s = max(STATUS_S, count * HOUR_S / min(hourly - 2, hourly * 0.98))
    for home in homes(count):
        asked = stamps(account.log, home)
        gaps = [later - at for at, later in itertools.pairwise(asked)]
        assert max(gaps, default=0) <= 1.75 * interval_s + 1


@settings(deadline=None, max_examples=40)
@given(count=st.integers(2, 12), random=seeds)
def test_homes_are_asked_in_turn(count: int, random: Random) -> None:
    """After the first round calls for homes are evenly apart, each in its interval."""
    account = Account(homes(count), random)
    account.run(2 * STATUS_S)
    log = account.run(HOUR_S)
    asked = [at_s for at_s, home_id, _ in log if home_id is not None]
    interval_s = max(STATUS_S, count * HOUR_S / (PLENTY - 2))
    assert all(
        later - at >= interval_s / (count + 1) - 0.01
        for at, later in itertools.pairwise(asked)
    )
    for home in homes(count):
        mine = stamps(log, home)
        assert len(mine) == pytest.approx(HOUR_S / interval_s, abs=1.01)


@settings(deadline=None, max_examples=40)
@given(random=seeds)
def test_five_homes_in_an_hour(random: Random) -> None:
    """Five homes in which everything moves need at most 151 calls in the first hour."""
    account = Account(homes(5), random)
    assert len(account.run(HOUR_S)) <= 151
    assert len(account.run(HOUR_S)) <= 151


@settings(deadline=None, max_examples=40)
@given(random=seeds)
def test_five_accounts_in_an_hour(random: Random) -> None:
    """That is so, too, where each of the five has an account of its own."""
    accounts = [Account(homes(1), random) for _ in range(5)]
    first = sum(len(account.run(HOUR_S)) for account in accounts)
    assert first <= 5 * 31
    assert sum(len(account.run(HOUR_S)) for account in accounts) <= 151


def test_first_round_is_at_once() -> None:
    """Every home is asked within seconds of the start, one after another."""
    account = Account(homes(5), Random(1))
    log = account.run(10)
    assert [home_id for _, home_id, _ in log if home_id] == homes(5)
    assert len(stamps(log, None)) == 1


def test_new_home_is_asked_at_once() -> None:
    """A home that somebody begins to follow does not wait for its turn."""
    account = Account(homes(2), Random(1))
    account.run(HOUR_S)
    account.plan.follow(set(homes(3)), account.now_s)
    log = account.run(25)
    assert stamps(log, "home-2") == [pytest.approx(account.now_s - 25, abs=1)]


def test_home_that_is_left_costs_nothing() -> None:
    """A home that nobody follows is not asked; one that is back waits for its turn."""
    account = Account(homes(2), Random(1))
    account.run(HOUR_S)
    account.plan.follow({"home-0"}, account.now_s)
    account.plan.follow({"home-0", "home-1"}, account.now_s)
    log = account.run(HOUR_S)
    assert len(stamps(log, "home-1")) in {28, 29}
    account.plan.follow({"home-0"}, account.now_s)
    assert account.plan.followed == ("home-0",)
    assert stamps(account.run(HOUR_S), "home-1") == []


def test_quiet_home_is_asked_less() -> None:
    """A home in which nothing moves is asked every five minutes after half an hour."""
    account = Account(homes(2), Random(1))
    account.run(60)
    account.still = {"home-0"}
    account.run(QUIET_AFTER_S + QUIET_STATUS_S)
    log = account.run(HOUR_S)
    assert len(stamps(log, "home-0")) == pytest.approx(HOUR_S / QUIET_STATUS_S, abs=1)
    assert len(stamps(log, "home-1")) == pytest.approx(HOUR_S / STATUS_S, abs=4)
    account.still = set()
    account.run(QUIET_STATUS_S)
    assert account.plan.interval_s("home-0", PLENTY, account.now_s) == STATUS_S


def test_command_is_read_back() -> None:
    """After a command its home is asked at 6, 20 and 62 s, before all that is regular."""
    account = Account(homes(2), Random(1))
    account.run(HOUR_S)
    begin_s = account.now_s
    account.plan.commanded("home-0", begin_s)
    log = account.run(READ_BACKS_S[-1] + 1)
    read_backs = [
        at_s - begin_s for at_s, _, kind in log if kind is CallPriority.READ_BACK
    ]
    assert read_backs == pytest.approx(READ_BACKS_S)
    assert {home_id for _, home_id, kind in log if kind is CallPriority.READ_BACK} == {
        "home-0"
    }


def test_newer_command_is_read_back_instead() -> None:
    """Of several commands one after another the last one's read-backs count."""
    account = Account(homes(1), Random(1))
    account.run(HOUR_S)
    for _ in range(5):
        account.plan.commanded("home-0", account.now_s)
        assert len(account.run(1)) <= 1
    log = account.run(READ_BACKS_S[-1] + 1)
    assert Counter(kind for *_, kind in log)[CallPriority.READ_BACK] == 4


def test_command_to_a_home_that_nobody_follows() -> None:
    """Such a command is no reason to ask."""
    account = Account((), Random(1))
    account.run(60)
    account.plan.commanded("home-0", account.now_s)
    assert account.run(600) == []


def test_topology_is_asked_hourly_and_after_a_change_of_mode() -> None:
    """The topology comes every hour, the second time a little later, and after a change."""
    account = Account((), Random(1))
    first, second, third = stamps(account.run(2 * TOPOLOGY_S + 900), None)
    assert TOPOLOGY_S <= second - first < TOPOLOGY_S + 900
    assert third - second == pytest.approx(TOPOLOGY_S)
    account.now_s = third + 600
    begin_s = account.now_s
    account.plan.topology.commanded(begin_s)
    log = account.run(TOPOLOGY_S)
    assert [at_s - begin_s for at_s in stamps(log, None)] == pytest.approx(
        TOPOLOGY_READ_BACKS_S
    )


def test_doubts_are_not_asked_about_all_the_time() -> None:
    """Doubts about the topology have it asked at once, but not twice in a moment."""
    account = Account((), Random(1))
    account.plan.topology.doubted(account.now_s)
    assert len(account.run(600)) == 1
    begin_s = account.now_s
    for _ in range(60):
        account.plan.topology.doubted(account.now_s)
        account.run(1)
    asked = stamps(account.log, None)[1:]
    assert asked == [begin_s, begin_s + DOUBTS_S]


def test_what_fails_is_tried_less_and_less() -> None:
    """One home's failures make its calls rarer and leave the others theirs."""
    account = Account(homes(2), Random(1))
    account.run(HOUR_S)
    tried: list[float] = []
    end_s = account.now_s + HOUR_S
    others = 0
    while (poll := account.next).at_s < end_s:
        account.now_s = max(account.now_s, poll.at_s)
        if poll.home_id == "home-0":
            tried.append(account.now_s)
            assert account.plan.status_failed("home-0", account.now_s) == len(tried)
            assert account.plan.failures("home-0") == len(tried)
            continue
        others += account.run(0.001)[0][1] is not None
    assert len(tried) <= 10
    assert others in {27, 28}
    account.plan.wake("home-0")
    assert account.plan.failures("home-0") == len(tried)
    account.plan.wake(None)
    assert account.plan.failures("home-0") == 0
    assert stamps(account.run(2), "home-0") != []
    assert account.plan.failures("nobody's") == 0


def test_topology_that_fails_is_tried_again() -> None:
    """A topology that does not come is asked for again soon, then less and less."""
    account = Account((), Random(1))
    tried: list[float] = []
    for _ in range(8):
        account.now_s = max(account.next.at_s, account.now_s)
        tried.append(account.now_s)
        account.plan.topology.failed(account.now_s)
    gaps = [later - at for at, later in itertools.pairwise(tried)]
    assert 15 <= gaps[0] <= 30
    assert max(gaps) <= 900
    assert gaps == sorted(gaps)


def test_another_home_is_asked_when_one_fails() -> None:
    """Whether a home is alone in its trouble is found out at once."""
    account = Account(homes(3), Random(1))
    account.run(HOUR_S / 2)
    account.plan.status_failed("home-0", account.now_s)
    account.plan.hasten({"home-0"})
    assert account.next.home_id in {"home-1", "home-2"}
    assert account.next.at_s <= account.now_s + 1
    account.plan.hasten(set(homes(3)))


def test_read_back_goes_while_polls_wait() -> None:
    """Where polls have spent their part a read-back does not wait with them."""
    account = Account(homes(2), Random(1))
    account.run(HOUR_S)
    account.plan.commanded("home-1", account.now_s)
    poll = account.plan.next(
        account.now_s,
        hourly=PLENTY,
        free_s={CallPriority.POLL: account.now_s + 900},
    )
    assert poll == Poll(
        home_id="home-1",
        priority=CallPriority.READ_BACK,
        at_s=account.now_s + READ_BACKS_S[0],
    )


ROOM = RoomStatus(
    room_id="r",
    reachable=True,
    temperature=19.5,
    setpoint=20.0,
    mode=VendorMode.SCHEDULE,
    heating_power_request=0,
    open_window=False,
)


def status_of(room: RoomStatus, boiler_on: bool | None = None) -> HomeStatus:
    """Return the status of a home with one room and one thermostat."""
    return HomeStatus(
        home_id="h",
        at=AT,
        rooms={"r": room},
        modules={"m": ModuleStatus(module_id="m", boiler_on=boiler_on)},
    )


@pytest.mark.parametrize(
    "after",
    [
        status_of(replace(ROOM, setpoint=21.0)),
        status_of(replace(ROOM, mode=VendorMode.MANUAL)),
        status_of(replace(ROOM, setpoint_end=AT)),
        status_of(replace(ROOM, heating_power_request=1)),
        status_of(replace(ROOM, open_window=True)),
        status_of(ROOM, boiler_on=False),
        replace(status_of(ROOM), rooms={}),
    ],
)
def test_what_moves(after: HomeStatus) -> None:
    """Setpoint, mode, end, power, window and boiler show that a home is in use."""
    assert moved(status_of(ROOM), after)
    assert moved(None, after)
    assert not moved(after, after)


def test_temperature_alone_is_no_move() -> None:
    """A room that cools down does not make its home one that is in use."""
    assert not moved(status_of(ROOM), status_of(replace(ROOM, temperature=18.0)))


@pytest.mark.parametrize(
    ("home", "room", "contradicts"),
    [
        (HomeMode.SCHEDULE, VendorMode.AWAY, True),
        (HomeMode.SCHEDULE, VendorMode.FROST_GUARD, True),
        (HomeMode.SCHEDULE, VendorMode.SCHEDULE, False),
        (HomeMode.SCHEDULE, VendorMode.MANUAL, False),
        (HomeMode.AWAY, VendorMode.SCHEDULE, True),
        (HomeMode.AWAY, VendorMode.HOME, True),
        (HomeMode.AWAY, VendorMode.AWAY, False),
        (HomeMode.FROST_GUARD, VendorMode.MANUAL, False),
        (None, VendorMode.AWAY, False),
        (HomeMode.AWAY, None, False),
    ],
)
def test_contradictions(
    home: HomeMode | None, room: VendorMode | None, contradicts: bool
) -> None:
    """A room that is away in a home on schedule says that somebody changed the home."""
    topology = replace(ON_SCHEDULE, mode=home)
    found = contradictions(topology, status_of(replace(ROOM, mode=room)), None, AT)
    assert found == (frozenset({"r"}) if contradicts else frozenset())


@pytest.mark.parametrize(
    ("mode", "setpoint", "contradicts"),
    [
        (VendorMode.SCHEDULE, 21.0, False),
        (VendorMode.HOME, 18.0, True),
        (VendorMode.SCHEDULE, 18.0, True),
        (VendorMode.MANUAL, 18.0, False),
        (VendorMode.SCHEDULE, None, False),
    ],
)
def test_another_schedule(
    mode: VendorMode, setpoint: float | None, contradicts: bool
) -> None:
    """A room that follows a schedule which asks for something else follows another."""
    week = WeeklySchedule(schedule(*daily((0, NIGHT), (420, COMFORT))), UTC)
    room = replace(ROOM, mode=mode, setpoint=setpoint)
    status = replace(status_of(ROOM), rooms={PROGRAM_ROOM: room})
    assert bool(contradictions(ON_SCHEDULE, status, week, AT)) is contradicts


@pytest.mark.parametrize("setpoint", [17.0, 21.0])
def test_about_a_change_of_the_schedule(setpoint: float) -> None:
    """About a change of the schedule either of its temperatures is right."""
    week = WeeklySchedule(schedule(*daily((0, NIGHT), (420, COMFORT))), UTC)
    room = replace(ROOM, mode=VendorMode.SCHEDULE, setpoint=setpoint)
    status = replace(status_of(ROOM), rooms={PROGRAM_ROOM: room})
    assert not contradictions(ON_SCHEDULE, status, week, AT.replace(hour=6, minute=55))
