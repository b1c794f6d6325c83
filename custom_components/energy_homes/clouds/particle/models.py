"""What the Particle cloud tells, typed. Instants are aware and UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
import re
from typing import Final

STATUS_EVENT: Final = "spark/status"
"""The event that says whether a board is online."""

SYSTEM_PREFIXES: Final = (
    "spark/",
    "particle/",
    "hook-sent/",
    "hook-response/",
    "hook-error/",
)
"""How the names of events begin that the cloud itself publishes."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def as_number(text: str | None) -> float | None:
    """Return a text as a finite number; None for what is none ("nan", words, null)."""
    if text is None or _NUMBER.fullmatch(text := text.strip()) is None:
        return None
    return value if isfinite(value := float(text)) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """What the cloud reports of a token: `user` is its owner's id or name, where reported."""

    expires_at: datetime | None
    user: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticleDevice:
    """A board as the account has it.

    `variables` are types by name, None where the cloud does not tell them (a list, or a
    board that is offline).
    """

    board_id: str
    name: str
    online: bool | None
    last_heard: datetime | None
    product_id: str | None = None
    platform: int | None = None
    firmware: str | None = None
    owner: str | None = field(default=None, repr=False)
    variables: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableValue:
    """What a board answers for a variable: a number, a text or a truth."""

    board_id: str
    name: str
    value: float | str | bool

    @property
    def number(self) -> float | None:
        """Return the value as a finite number; None where it is none."""
        if isinstance(self.value, bool):
            return None
        return as_number(self.value) if isinstance(self.value, str) else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticleEvent:
    """An event of a board, stamped by the cloud when it was published."""

    name: str
    data: str | None
    published_at: datetime
    board_id: str
    ttl: timedelta | None = None

    @property
    def number(self) -> float | None:
        """Return the data as a finite number; None where they are none."""
        return as_number(self.data)

    @property
    def is_system(self) -> bool:
        """Return whether the cloud published it, not the board's own program."""
        return self.name.startswith(SYSTEM_PREFIXES)


@dataclass(frozen=True, slots=True)
class EventBatch:
    """What a chunk of the stream brought; both are empty for a keep-alive."""

    events: tuple[ParticleEvent, ...] = ()
    nonsense: int = 0
