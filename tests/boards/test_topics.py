"""Topics of boards."""

import pytest

from custom_components.energy_homes.boards.message import PowerUp, Pulse
from custom_components.energy_homes.boards.refused import (
    BoardMessageError,
    BoardProblem,
)
from custom_components.energy_homes.boards.topics import (
    BoardState,
    Reconnected,
    TopicMessage,
    read_topic,
)


@pytest.mark.parametrize(
    ("topic", "payload", "message"),
    [
        ("channel/1/timestamp", b"3600", Pulse(1, 3600)),
        ("channel/12/timestamp", b" -1\n", Pulse(12, (1 << 32) - 1)),
        ("arduino/status", b"powerup", PowerUp()),
        ("arduino/status", b"PowerUP", PowerUp()),
        ("arduino/status", b"alive", BoardState.ALIVE),
        ("arduino/status", b"disconnected", BoardState.DISCONNECTED),
        ("arduino/status", b"buffer overrun 3", BoardState.OVERRUN),
        ("arduino/status", b"re-connect:5000:12:3", Reconnected(5000)),
        ("arduino/status", b"re-connect:-1:12:3", Reconnected((1 << 32) - 1)),
    ],
)
def test_topics(topic: str, payload: bytes, message: TopicMessage) -> None:
    """The same messages as by HTTP, and how the board is."""
    assert read_topic(topic, payload) == message


@pytest.mark.parametrize(
    ("topic", "payload", "message"),
    [
        ("channel/1/timestamp", b"3600", None),
        ("arduino/status", b"powerup", None),
        ("arduino/status", b"alive", None),
        ("arduino/status", b"disconnected", BoardState.DISCONNECTED),
    ],
)
def test_what_the_broker_kept(
    topic: str, payload: bytes, message: TopicMessage | None
) -> None:
    """It was said before: only the last will holds still."""
    assert read_topic(topic, payload, retained=True) == message


@pytest.mark.parametrize(
    ("topic", "payload", "problem"),
    [
        ("channel/0/timestamp", b"1", BoardProblem.CHANNEL),
        ("channel/1/timestamp", b"x", BoardProblem.MILLIS),
        ("channel/1/timestamp", b"", BoardProblem.MILLIS),
        ("channel/1/timestamp", b"1" * 65, BoardProblem.UNREADABLE),
        ("channel/1/timestamp", b"\xff", BoardProblem.UNREADABLE),
        ("channel/1/metercount", b"1", BoardProblem.UNKNOWN),
        ("arduino/status", b"?", BoardProblem.UNKNOWN),
        ("arduino/status", b"re-connect:1", BoardProblem.UNKNOWN),
        ("arduino/status", b"re-connect:4294967296:1:1", BoardProblem.MILLIS),
    ],
)
def test_refusals(topic: str, payload: bytes, problem: BoardProblem) -> None:
    """Counted, nothing changed."""
    with pytest.raises(BoardMessageError) as caught:
        read_topic(topic, payload)
    assert caught.value.problem is problem
