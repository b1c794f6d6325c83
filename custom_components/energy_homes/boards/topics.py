"""What pulse boards say by MQTT: the same messages, and how the board is. Pure."""

from dataclasses import dataclass
from enum import StrEnum
import re
from typing import Final

from .fields import BLANKS, MAX_TEXT
from .message import PowerUp, Pulse, read_channel, read_stamp
from .refused import BoardMessageError, BoardProblem

PULSE_TOPIC: Final = "channel/+/timestamp"
STATUS_TOPIC: Final = "arduino/status"
TOPICS: Final = (PULSE_TOPIC, STATUS_TOPIC)
"""What to subscribe to."""

_PULSE: Final = re.compile(r"channel/([^/]+)/timestamp")
_RECONNECTED: Final = re.compile(r"re-connect:(-?[0-9]{1,10})(?::[0-9]{1,10}){2}")


class BoardState(StrEnum):
    """How a board is."""

    ALIVE = "alive"
    DISCONNECTED = "disconnected"
    OVERRUN = "overrun"
    """A buffer was full: pulses are lost."""


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The board has its connection back, `stamp` ms since power-up; nothing is lost yet."""

    stamp: int


type TopicMessage = Pulse | PowerUp | Reconnected | BoardState


def read_topic(
    topic: str, payload: bytes, *, retained: bool = False
) -> TopicMessage | None:
    """Return what a board says by a topic; None for what was said before we listened.

    A retained message is old: nobody knows of which life of the board. Only that it is
    disconnected, its last will, still holds. Raises BoardMessageError.
    """
    try:
        text = payload[: MAX_TEXT + 1].decode("ascii").strip(BLANKS)
    except UnicodeDecodeError:
        text = None
    if text is None or len(payload) > MAX_TEXT:
        raise BoardMessageError(
            BoardProblem.UNREADABLE, f"not a text of at most {MAX_TEXT} characters"
        )
    if (found := _PULSE.fullmatch(topic)) is not None:
        message: TopicMessage = Pulse(read_channel(found[1]), read_stamp(text))
    elif topic == STATUS_TOPIC:
        message = _status(text)
    else:
        raise BoardMessageError(BoardProblem.UNKNOWN, "a topic that no board has")
    if retained and message is not BoardState.DISCONNECTED:
        return None
    return message


def _status(text: str) -> PowerUp | Reconnected | BoardState:
    """Return what a board says of itself."""
    said = text.lower()
    if (found := _RECONNECTED.fullmatch(said)) is not None:
        return Reconnected(read_stamp(found[1]))
    if said.startswith("powerup"):
        return PowerUp()
    if said.startswith("alive"):
        return BoardState.ALIVE
    if said.startswith("disconnected"):
        return BoardState.DISCONNECTED
    if "overrun" in said:
        return BoardState.OVERRUN
    raise BoardMessageError(BoardProblem.UNKNOWN, "a status that no board has")
