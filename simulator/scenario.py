"""The homes and accounts the simulator begins with."""

from dataclasses import dataclass, field

from simulator.meter import Role

ELM_TOKEN = "simulated-elm-street-token"
MILL_TOKEN = "simulated-mill-cottage-token"
TERRACE_TOKEN = "simulated-terrace-token"


@dataclass(frozen=True)
class MeterPlan:
    """A meter to make: which home it is in and what it measures there."""

    sid: str
    role: Role
    home: str
    seed: int
    solar_peak_w: float = 0.0


@dataclass(frozen=True)
class AccountPlan:
    """An account to make."""

    token: str
    hid: str
    meters: tuple[MeterPlan, ...] = field(default=())


DEFAULT_SCENARIO: tuple[AccountPlan, ...] = (
    AccountPlan(
        ELM_TOKEN,
        "e1a5713ee7000000000000000000e1a5",
        (
            MeterPlan("710001", Role.GRID, "Elm Street", 101, 3600.0),
            MeterPlan("710002", Role.GENERATION, "Elm Street", 101, 3600.0),
        ),
    ),
    AccountPlan(
        MILL_TOKEN,
        "0311c077a9e000000000000000000311",
        (MeterPlan("720001", Role.GRID, "Mill Cottage", 202),),
    ),
    AccountPlan(
        TERRACE_TOKEN,
        "7e44ace0000000000000000000007e44",
        (
            MeterPlan("730001", Role.GRID, "Terrace 1", 301),
            MeterPlan("730002", Role.GRID, "Terrace 2", 302),
        ),
    ),
)
