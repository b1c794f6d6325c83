"""Messages of boards: what each means, and what is wrong with the others."""

from contextlib import suppress

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.boards.message import (
    BUSY,
    FAILED,
    MAX_CHANNEL,
    OK,
    TOO_MANY,
    BoardMessage,
    BoardReply,
    Debug,
    MeterCount,
    PowerUp,
    Pulse,
    PushReadings,
    SelfTest,
    Stop,
    read_message,
    refusal,
)
from custom_components.energy_homes.boards.refused import (
    BoardMessageError,
    BoardProblem,
)

WRAP = 1 << 32


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"channel": "1", "millis": "3600"}, Pulse(1, 3600)),
        ({"channel": "8", "millis": "0"}, Pulse(8, 0)),
        ({"channel": "12", "millis": "4294967295"}, Pulse(12, WRAP - 1)),
        ({"channel": "1", "millis": "-1"}, Pulse(1, WRAP - 1)),
        ({"channel": "1", "millis": "-2147483648"}, Pulse(1, 1 << 31)),
        ({"channel": "01", "millis": "007"}, Pulse(1, 7)),
        ({"channel": "2", "metercount": "336279"}, MeterCount(2, 336_279)),
        ({"channel": "2", "metercount": "9999999"}, MeterCount(2, 9_999_999)),
        ({"powerup": "true"}, PowerUp()),
        ({"powerup": "TRUE"}, PowerUp()),
        ({"pushtogoogle": "true"}, PushReadings()),
        ({"stop": "true"}, Stop()),
        ({"debug": "true"}, Debug(True)),
        ({"debug": "false"}, Debug(False)),
        ({"foo": "bar"}, SelfTest()),
        ({"channel": "1", "millis": "5", "debug": "false"}, Pulse(1, 5)),
        ({"channel": "1", "millis": "5", "metercount": "7"}, Pulse(1, 5)),
        ({"version": "0.2.2", "powerup": "true"}, PowerUp()),
    ],
)
def test_messages(fields: dict[str, str], message: BoardMessage) -> None:
    """What the boards that there are send."""
    assert read_message(fields) == message


@pytest.mark.parametrize(
    ("fields", "problem", "text"),
    [
        ({}, BoardProblem.UNKNOWN, "expected"),
        ({"foo": "baz"}, BoardProblem.UNKNOWN, "expected"),
        ({"channel": "1"}, BoardProblem.INCOMPLETE, "millis or metercount"),
        ({"millis": "1"}, BoardProblem.INCOMPLETE, "channel"),
        ({"metercount": "1"}, BoardProblem.INCOMPLETE, "channel"),
        ({"channel": "0", "millis": "1"}, BoardProblem.CHANNEL, "1 to 64"),
        ({"channel": "65", "millis": "1"}, BoardProblem.CHANNEL, "1 to 64"),
        ({"channel": "-1", "millis": "1"}, BoardProblem.CHANNEL, "1 to 64"),
        ({"channel": "x", "millis": "1"}, BoardProblem.CHANNEL, "1 to 64"),
        ({"channel": "", "millis": "1"}, BoardProblem.CHANNEL, "1 to 64"),
        ({"channel": "\u0661", "millis": "1"}, BoardProblem.CHANNEL, "1 to 64"),
        ({"channel": "1", "millis": ""}, BoardProblem.MILLIS, "32 bit"),
        ({"channel": "1", "millis": "1.5"}, BoardProblem.MILLIS, "32 bit"),
        ({"channel": "1", "millis": "\u0661"}, BoardProblem.MILLIS, "32 bit"),
        ({"channel": "1", "millis": "4294967296"}, BoardProblem.MILLIS, "32 bit"),
        ({"channel": "1", "millis": "-2147483649"}, BoardProblem.MILLIS, "32 bit"),
        ({"channel": "1", "millis": "9" * 64}, BoardProblem.MILLIS, "32 bit"),
        ({"channel": "1", "metercount": "0"}, BoardProblem.METERCOUNT, "9999999"),
        (
            {"channel": "1", "metercount": "10000000"},
            BoardProblem.METERCOUNT,
            "9999999",
        ),
        ({"channel": "1", "metercount": "1.5"}, BoardProblem.METERCOUNT, "9999999"),
        ({"powerup": "false"}, BoardProblem.FLAG, "powerup must be true"),
        ({"pushtogoogle": "1"}, BoardProblem.FLAG, "pushtogoogle must be"),
        ({"stop": ""}, BoardProblem.FLAG, "stop must be"),
        ({"debug": "yes"}, BoardProblem.FLAG, "debug must be true or false"),
    ],
)
def test_refusals(fields: dict[str, str], problem: BoardProblem, text: str) -> None:
    """Each says what was wrong, to the board's owner."""
    with pytest.raises(BoardMessageError, match=text) as caught:
        read_message(fields)
    assert caught.value.problem is problem


def test_replies() -> None:
    """A true status, and the line that boards look for on a line of its own."""
    assert BoardReply(200, "WEBHOOK 200 OK\n") == OK
    assert BUSY.status == 503
    assert TOO_MANY.status == 429
    assert FAILED.status == 500
    for reply in (BUSY, TOO_MANY, FAILED):
        assert reply.text.startswith("WEBHOOK 1")
    wrong = refusal(BoardMessageError(BoardProblem.CHANNEL, "channel must be a number"))
    assert wrong == BoardReply(
        400, "WEBHOOK 400 Bad Request: channel must be a number\n"
    )
    large = refusal(BoardMessageError(BoardProblem.TOO_LARGE, "too much"))
    assert large.status == 413
    assert large.text.startswith("WEBHOOK 413 ")


NAMES = st.sampled_from(
    [
        "channel",
        "millis",
        "metercount",
        "powerup",
        "pushtogoogle",
        "stop",
        "debug",
        "foo",
    ]
)
VALUES = st.one_of(
    st.text(max_size=20),
    st.integers(-(1 << 33), 1 << 33).map(str),
    st.sampled_from(["true", "false", "bar"]),
)


@given(fields=st.dictionaries(NAMES, VALUES))
def test_whatever_fields(fields: dict[str, str]) -> None:
    """A message that can be used, or a refusal."""
    with suppress(BoardMessageError):
        match read_message(fields):
            case Pulse(channel, stamp):
                assert 1 <= channel <= MAX_CHANNEL
                assert 0 <= stamp < WRAP
            case MeterCount(channel, hundredths):
                assert 1 <= channel <= MAX_CHANNEL
                assert 1 <= hundredths <= 9_999_999
