"""Boards and daemons to make."""

from dataclasses import dataclass, field
from enum import StrEnum


class Load(StrEnum):
    """What a meter of a home counts."""

    HOME = "home"
    KITCHEN = "kitchen"
    """A circuit of the home: the fridge and whatever heats."""
    FRIDGE_AND_MICROWAVE = "fridge_and_microwave"


class Style(StrEnum):
    """How a board says its fields."""

    GET = "get"
    FORM = "form"
    JSON = "json"


@dataclass(frozen=True)
class ChannelPlan:
    """A meter with an LED; one without a load of the home draws `watts` all the time."""

    channel: int
    load: Load | None = Load.HOME
    pulses_per_kwh: int = 1000
    watts: float = 0.0


@dataclass(frozen=True)
class BoardPlan:
    """A board in a home; the seed is that of the home."""

    name: str
    home: str
    seed: int
    channels: tuple[ChannelPlan, ...]


@dataclass(frozen=True)
class DaemonPlan:
    """A daemon with its sensors: ids, and what people call them."""

    host_id: str
    home: str
    seed: int
    sensors: dict[str, str | None] = field(default_factory=dict)
