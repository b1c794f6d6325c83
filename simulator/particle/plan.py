"""Boards, tokens and users to make."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.boards.plan import Load
from simulator.noise import made_id

ASSUMED_VOLTS = 120.0
"""What a board takes the mains voltage for: it measures the current only."""
PHOTON = 6
PERIOD_MS = 4_100
BATTERY_PERIOD_MS = 5_000


class Quantity(StrEnum):
    """What a board measures or says."""

    POWER = "power"
    """Apparent power at the assumed voltage, the noise of the clamp included."""
    CURRENT = "current"
    VOLTAGE = "voltage"
    CHARGE = "charge"
    BATTERY_VOLTS = "battery_volts"
    TEMPERATURE = "temperature"
    ODD = "odd"
    """Null, text, JSON and numbers that are none, in turn."""
    SWITCH = "switch"
    """True or false."""


type Named = tuple[tuple[str, Quantity], ...]

PHOTON_EVENTS: Named = (
    ("rms_current", Quantity.CURRENT),
    ("rms_voltage", Quantity.VOLTAGE),
    ("power", Quantity.POWER),
)
OLDER_EVENTS: Named = (
    ("RMS Current", Quantity.CURRENT),
    ("RMS Voltage", Quantity.VOLTAGE),
    ("Apparent Power", Quantity.POWER),
)
BATTERY_EVENTS: Named = (("P2P_State_of_Charge", Quantity.CHARGE),)


@dataclass(frozen=True)
class DevicePlan:
    """A board: what it is clamped around, and what it tells of that and how often.

    `volts` and `power_factor` are those of the load, so that the board's power is the true
    one times `ASSUMED_VOLTS / volts / power_factor`. The seed is that of the home. `product`
    is the product that the board is part of.
    """

    name: str
    home: str
    seed: int = 1
    load: Load | None = None
    watts: float = 0.0
    volts: float = ASSUMED_VOLTS
    power_factor: float = 1.0
    events: Named = PHOTON_EVENTS
    variables: Mapping[str, Quantity] = field(default_factory=dict)
    period_ms: int = PERIOD_MS
    product: int | None = None
    online: bool = True

    @property
    def id(self) -> str:
        """Return the board's id."""
        return made_id("particle", self.name)


LIST, GET, VARIABLE, EVENTS = (
    "devices:list",
    "devices:get",
    "variables:get",
    "events:get",
)
ALL_SCOPES = frozenset({LIST, GET, VARIABLE, EVENTS})


@dataclass(frozen=True)
class TokenPlan:
    """A token: a person's, or one that is good for a product only."""

    text: str
    product: int | None = None
    scopes: frozenset[str] = ALL_SCOPES
    expired: bool = False


@dataclass(frozen=True)
class OwnerPlan:
    """A person with boards and tokens."""

    email: str
    tokens: tuple[TokenPlan, ...]
    devices: tuple[DevicePlan, ...] = ()
