"""A board: each event once, in any order, and what it measures."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.accounts.particle.board import (
    MAX_NAMES,
    REMEMBERED,
    Board,
    Heard,
)
from custom_components.energy_homes.accounts.particle.board_hosts import (
    BoardHosts,
    board_of,
    host_of,
)
from custom_components.energy_homes.accounts.particle.measures import (
    BoardConfig,
    Measure,
)
from custom_components.energy_homes.clouds.particle.models import (
    ParticleDevice,
    ParticleEvent,
    VariableValue,
)
from custom_components.energy_homes.metering.model import CounterReading, PowerReading
from custom_components.energy_homes.sensing.model import Quantity

BOARD = "0123456789abcdef01234567"
AT = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def event(
    name: str = "power", data: str | None = "5.5", seconds: float = 0
) -> ParticleEvent:
    """Return an event of the board."""
    at = AT + seconds * SECOND
    return ParticleEvent(name=name, data=data, published_at=at, board_id=BOARD)


def device(**fields: Any) -> ParticleDevice:
    """Return the board as its account has it."""
    known: dict[str, Any] = {"online": True, "last_heard": None, **fields}
    return ParticleDevice(board_id=BOARD, name="fridge", **known)


@pytest.fixture
def board() -> Board:
    """Return a board that has said nothing yet."""
    return Board(BOARD)


def test_a_board_says_what_it_is(board: Board) -> None:
    """Without being told, a board with a known event is a meter at its first word."""
    assert (board.name, board.meter, board.online) == (BOARD, None, None)
    taken = board.take(event())
    assert taken.heard is Heard.NEW
    assert taken.readings == (PowerReading(AT, 5.5),)
    assert [(m.measure.key, m.value, m.at) for m in taken.measured] == [
        ("power", 5.5, AT)
    ]
    assert board.meter is not None
    assert board.online is True
    assert board.last_event == AT
    assert board.reading == PowerReading(AT, 5.5)
    assert list(board.latest()) == list(taken.measured)
    board.take_device(device())
    assert board.name == "fridge"


def test_an_event_counts_once(board: Board) -> None:
    """The same name and stamp is the same event; another name or stamp is another."""
    assert board.take(event()).heard is Heard.NEW
    assert board.take(event(data="6")).heard is Heard.DUPLICATE
    assert board.take(event("rms_current")).heard is Heard.NEW
    assert board.take(event(seconds=0.001)).heard is Heard.NEW


def test_disorder_is_no_trouble(board: Board) -> None:
    """An older event is still a reading, but not what is shown."""
    board.take(event(seconds=4))
    taken = board.take(event(data="9", seconds=0))
    assert taken.readings == (PowerReading(AT, 9.0),)
    assert taken.measured == ()
    assert board.last_event == AT + 4 * SECOND
    assert board.reading == PowerReading(AT + 4 * SECOND, 5.5)
    assert board.said["power"].data == "5.5"


@given(
    events=st.lists(
        st.builds(
            event,
            st.sampled_from(["power", "rms_current", "other", "spark/status"]),
            st.none() | st.sampled_from(["1", "nan", "online", "offline", "x" * 999]),
            st.integers(0, 20),
        ),
        max_size=60,
    ),
    order=st.randoms(use_true_random=False),
)
def test_order_and_repeats_change_no_reading(
    events: list[ParticleEvent], order: Any
) -> None:
    """Whatever the order, and however often events come, each counts once."""
    once = {(one.name, one.published_at): one for one in reversed(events)}
    board, other = Board(BOARD), Board(BOARD)
    config = BoardConfig(
        board_id=BOARD, measures=(Measure(event="power", quantity=Quantity.POWER),)
    )
    for one in (board, other):
        one.configure(config)
    shuffled = list(once.values())
    order.shuffle(shuffled)
    heard = [reading for one in events for reading in board.take(one).readings]
    again = [reading for one in shuffled for reading in other.take(one).readings]
    assert sorted(heard, key=lambda reading: reading.at) == sorted(
        again, key=lambda reading: reading.at
    )
    assert board.last_event == other.last_event
    assert board.reading == other.reading


def test_memory_is_bounded(board: Board) -> None:
    """Ever new names and stamps fill nothing, and recent events are still known."""
    for number in range(3 * REMEMBERED):
        board.take(event(f"name {number}", "x" * 1000, number))
    assert len(board._seen) == REMEMBERED
    assert len(board.said) == MAX_NAMES
    assert all(len(said.data or "") <= 255 for said in board.said.values())
    assert board.take(event(f"name {number}", None, number)).heard is Heard.DUPLICATE


def test_the_cloud_says_whether_it_is_online(board: Board) -> None:
    """Online is believed; late news that it went is not, once it has said something."""
    assert board.take(event("spark/status", "offline")).heard is Heard.STATUS
    assert board.online is False
    board.take(event("spark/status", "online", 1))
    assert board.online is True
    board.take(event(seconds=60))
    board.take(event("spark/status", "offline", 50))
    assert board.online is True
    board.take(event("spark/status", "auto-update", 70))
    assert board.online is True
    board.take(event("spark/status", " Offline ", 80))
    assert board.online is False
    board.take(event(seconds=90))
    assert board.online is True
    board.take_device(device(online=None))
    assert board.online is True
    board.take_device(device(online=False))
    assert board.online is False


def test_the_clouds_own_events_measure_nothing(board: Board) -> None:
    """They are neither remembered by name nor the board's last word."""
    taken = board.take(event("spark/flash/status", "started"))
    assert taken.heard is Heard.SYSTEM
    assert (board.said, board.last_event) == ({}, None)


def test_data_that_are_no_number_are_counted(board: Board) -> None:
    """Null and text of a known event change nothing."""
    board.take(event())
    for data in (None, "nan", "off"):
        taken = board.take(event(data=data, seconds=4))
        assert not taken.measured
        assert not taken.readings
    assert board.take(event(data="nan", seconds=8)).nonsense == 1
    assert board.values["power"].value == 5.5


def test_what_somebody_says_counts(board: Board) -> None:
    """A board measures what it was told to, from now on; values of the rest are gone."""
    board.take(event())
    board.take(event("pulses", "100"))
    pulses = Measure(event="pulses", quantity=Quantity.PULSES, pulses_per_kwh=1000)
    power = board.measures[0]
    board.configure(BoardConfig(board_id=BOARD, measures=(pulses, power)))
    assert board.meter is pulses
    assert board.reading is None
    assert board.values.keys() == {"power"}
    taken = board.take(event("pulses", "200", 4))
    assert taken.readings == (CounterReading(AT + 4 * SECOND, 0.2),)
    assert board.take(event("power", "7", 4)).readings == ()
    board.configure(BoardConfig(board_id=BOARD, measures=()))
    assert board.meter is None
    assert not board.values
    board.take(event("rms_voltage", "120", 8))
    assert not board.measures
    board.configure(None)
    assert [measure.key for measure in board.measures] == ["power", "rms_voltage"]


def test_a_variable_measures_too(board: Board) -> None:
    """A variable stands for its measure at the time of the answer."""
    both = Measure(event="e", variable="v", quantity=Quantity.ENERGY)
    alone = Measure(variable="w", quantity=Quantity.NUMBER)
    board.configure(BoardConfig(board_id=BOARD, measures=(both, alone)))
    assert board.variables == {"v", "w"}
    assert board.polled == {"w"}
    answer = VariableValue(board_id=BOARD, name="v", value=2.0)
    assert board.take_variable(answer, AT).readings == (CounterReading(AT, 2.0),)
    assert board.online is True
    text = VariableValue(board_id=BOARD, name="w", value="text")
    assert board.take_variable(text, AT).nonsense == 1
    beyond = VariableValue(board_id=BOARD, name="v", value=-1.0)
    taken = board.take_variable(beyond, AT + SECOND)
    assert (len(taken.measured), taken.readings) == (1, ())


def test_variables_stay_known(board: Board) -> None:
    """A list that does not tell them leaves them as they were."""
    board.take_device(device(variables={"SoC": "double"}))
    board.take_device(device(variables=None))
    assert board.device is not None
    assert board.device.variables == {"SoC": "double"}


def test_a_board_is_a_host(board: Board) -> None:
    """What it measured is a reading of a sensor; what moves little waits."""
    hosts = BoardHosts()
    assert board_of(host_of(BOARD)) == BOARD != host_of(BOARD)
    hosts.note(board, board.take(event(data="100")).measured, AT)
    assert hosts.matters(board)
    assert hosts.waits(board)
    hosts.shown(board)
    assert not hosts.matters(board)
    assert not hosts.waits(board)
    hosts.note(
        board, board.take(event(data="101", seconds=4)).measured, AT + 4 * SECOND
    )
    assert not hosts.matters(board)
    assert hosts.waits(board)
    hosts.note(
        board, board.take(event(data="300", seconds=8)).measured, AT + 8 * SECOND
    )
    assert hosts.matters(board)
    hosts.note(board, board.take(event("rms_current", "1")).measured, AT + 9 * SECOND)
    power, current = hosts.readings(board)
    assert (power.hardware_id, power.quantity, power.value) == (
        "power",
        Quantity.POWER,
        300.0,
    )
    assert (power.unit, power.name, power.at) == ("W", None, AT + 8 * SECOND)
    assert power.heard(AT + 60 * SECOND)
    assert not power.heard(AT + timedelta(hours=2))
    assert current.quantity is Quantity.CURRENT
