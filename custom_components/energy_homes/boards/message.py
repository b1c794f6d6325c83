"""What a pulse board says, and the line it waits for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Final

from ..metering.pulse_clock import MIN_STAMP, WRAP, unsigned
from ..metering.pulses import MAX_METERCOUNT
from .refused import BoardMessageError, BoardProblem

MAX_CHANNEL: Final = 64
"""The highest channel; the boards that there are have eight."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pulse of a channel at `stamp` ms since power-up, in `[0, 2^32)`."""

    channel: int
    stamp: int


@dataclass(frozen=True, slots=True)
class MeterCount:
    """What the meter of a channel shows, in hundredths of a kWh."""

    channel: int
    hundredths: int


@dataclass(frozen=True, slots=True)
class PowerUp:
    """The board has begun anew: its clock is at zero and its buffers are empty."""


@dataclass(frozen=True, slots=True)
class PushReadings:
    """The board asks for its readings to be pushed on."""


@dataclass(frozen=True, slots=True)
class Debug:
    """The board asks for more to be logged, or for less."""

    on: bool


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The board tries whether it is heard; nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The board wants the old system to end; nothing is to be done."""


type BoardMessage = (
    Pulse | MeterCount | PowerUp | PushReadings | Debug | SelfTest | Stop
)


@dataclass(frozen=True, slots=True)
class BoardReply:
    """A true HTTP status, and the body with the line that boards look for."""

    status: int
    text: str


OK: Final = BoardReply(200, "WEBHOOK 200 OK\n")
"""What was sent is kept: the board forgets it."""

BUSY: Final = BoardReply(503, "WEBHOOK 102 Processing\n")
"""Not now: the board sends it again after 2 s."""

TOO_MANY: Final = BoardReply(429, "WEBHOOK 102 Processing\n")
"""More than a board can have to say: it sends it again after 2 s."""

FAILED: Final = BoardReply(500, "WEBHOOK 100 error\n")
"""It could not be kept: the board sends it again after 2 s."""


def refusal(error: BoardMessageError) -> BoardReply:
    """Return what is answered to a message that nobody can use."""
    status = 413 if error.problem is BoardProblem.TOO_LARGE else 400
    reason = "Content Too Large" if status == 413 else "Bad Request"
    return BoardReply(status, f"WEBHOOK {status} {reason}: {error}\n")


def read_message(fields: Mapping[str, str]) -> BoardMessage:
    """Return what the fields of a request say; the first of the old system's order counts.

    Fields that no message has are passed over. Raises BoardMessageError where there is no
    message in them, or one with a value that cannot be.
    """
    if "channel" in fields or "millis" in fields or "metercount" in fields:
        return _of_channel(fields)
    if "powerup" in fields:
        return _ordered(fields, "powerup", PowerUp())
    if "pushtogoogle" in fields:
        return _ordered(fields, "pushtogoogle", PushReadings())
    if "stop" in fields:
        return _ordered(fields, "stop", Stop())
    if "debug" in fields:
        return Debug(_flag(fields, "debug"))
    if fields.get("foo") == "bar":
        return SelfTest()
    raise BoardMessageError(
        BoardProblem.UNKNOWN,
        "expected channel with millis or metercount, powerup, pushtogoogle, stop, debug "
        "or foo=bar",
    )


def read_channel(text: str) -> int:
    """Return the number of a channel. Raises BoardMessageError."""
    channel = _number(text)
    if channel is None or not 1 <= channel <= MAX_CHANNEL:
        raise BoardMessageError(
            BoardProblem.CHANNEL, f"channel must be a number from 1 to {MAX_CHANNEL}"
        )
    return channel


def read_stamp(text: str) -> int:
    """Return the stamp of `[0, 2^32)` ms that is meant. Raises BoardMessageError."""
    number = _number(text)
    if number is None or not MIN_STAMP <= number < WRAP:
        raise BoardMessageError(
            BoardProblem.MILLIS,
            "millis must be milliseconds since power-up, a number of 32 bit",
        )
    return unsigned(number)


def _of_channel(fields: Mapping[str, str]) -> Pulse | MeterCount:
    """Return what is said of a channel."""
    if "channel" not in fields:
        raise BoardMessageError(BoardProblem.INCOMPLETE, "channel is missing")
    channel = read_channel(fields["channel"])
    if "millis" in fields:
        return Pulse(channel, read_stamp(fields["millis"]))
    if "metercount" not in fields:
        raise BoardMessageError(
            BoardProblem.INCOMPLETE, "millis or metercount is missing"
        )
    hundredths = _number(fields["metercount"])
    if hundredths is None or not 1 <= hundredths <= MAX_METERCOUNT:
        raise BoardMessageError(
            BoardProblem.METERCOUNT,
            f"metercount must be hundredths of a kWh from 1 to {MAX_METERCOUNT}",
        )
    return MeterCount(channel, hundredths)


def _ordered[Order: (PowerUp, PushReadings, Stop)](
    fields: Mapping[str, str], name: str, order: Order
) -> Order:
    """Return an order whose flag is set."""
    if not _flag(fields, name):
        raise BoardMessageError(BoardProblem.FLAG, f"{name} must be true")
    return order


def _flag(fields: Mapping[str, str], name: str) -> bool:
    """Return whether a flag is set."""
    match fields[name].lower():
        case "true":
            return True
        case "false":
            return False
    raise BoardMessageError(BoardProblem.FLAG, f"{name} must be true or false")


def _number(text: str) -> int | None:
    """Return a whole number of at most 19 digits."""
    return int(text) if _NUMBER.fullmatch(text) else None
