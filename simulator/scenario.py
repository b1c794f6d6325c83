"""The homes and accounts the simulator begins with."""

from dataclasses import dataclass, field

from simulator.boards.plan import BoardPlan, ChannelPlan, DaemonPlan, Load
from simulator.meter import Role
from simulator.netatmo.plan import COOLING, WEEKS, HomePlan, RoomPlan, UserPlan
from simulator.particle.plan import (
    BATTERY_EVENTS,
    BATTERY_PERIOD_MS,
    GET,
    LIST,
    OLDER_EVENTS,
    DevicePlan,
    OwnerPlan,
    Quantity,
    TokenPlan,
)
from simulator.thermal.model import RoomShape
from simulator.thermal.weather import Facade

ELM_TOKEN = "simulated-elm-street-token"
MILL_TOKEN = "simulated-mill-cottage-token"
TERRACE_TOKEN = "simulated-terrace-token"

NETATMO_CLIENT_ID = "simulated-client-id"
NETATMO_CLIENT_SECRET = "simulated-client-secret"
NETATMO_USER = "keeper@example.com"
NETATMO_REFRESH_TOKEN = "simulated-keeper-refresh-token"
NETATMO_TERRACE_USER = "terrace@example.com"
NETATMO_TERRACE_REFRESH_TOKEN = "simulated-terrace-refresh-token"
NETATMO_ODD_USER = "odd@example.com"
NETATMO_ODD_REFRESH_TOKEN = "simulated-odd-refresh-token"


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

NETATMO_CLIENTS = {NETATMO_CLIENT_ID: NETATMO_CLIENT_SECRET}

ELM_HEATING = HomePlan(
    "Elm Street",
    (
        RoomPlan("Living room", ("NATherm1",), "livingroom", 21, 17, 19),
        RoomPlan(
            "Kitchen",
            ("NRV",),
            "kitchen",
            20,
            16,
            18,
            RoomShape(floor_m2=14, facade=Facade.EAST),
        ),
        RoomPlan(
            "Bedroom",
            ("NRV",),
            "bedroom",
            18.5,
            16.5,
            16,
            RoomShape(floor_m2=16, facade=Facade.WEST),
        ),
        RoomPlan(
            "Office",
            ("NRV",),
            "office",
            20.5,
            16,
            20,
            RoomShape(floor_m2=11, facade=Facade.NORTH),
        ),
    ),
    weeks=(*WEEKS, COOLING),
)
MILL_HEATING = HomePlan(
    "Mill Cottage",
    (
        RoomPlan("Hall", ("NATherm1",), "lobby", 19, 16, 17, RoomShape(10, heavy=True)),
        RoomPlan(
            "Lounge",
            ("NRV", "NRV"),
            "livingroom",
            21,
            16,
            18,
            RoomShape(28, heavy=True),
        ),
        RoomPlan(
            "Bedroom",
            ("NRV",),
            "bedroom",
            18,
            16,
            16,
            RoomShape(15, heavy=True, facade=Facade.NORTH),
        ),
    ),
    default_minutes=120,
)

NETATMO_SCENARIO: tuple[UserPlan, ...] = (
    UserPlan(NETATMO_USER, NETATMO_REFRESH_TOKEN, (ELM_HEATING, MILL_HEATING)),
    UserPlan(
        NETATMO_TERRACE_USER,
        NETATMO_TERRACE_REFRESH_TOKEN,
        (
            HomePlan(
                "Terrace 1",
                (
                    RoomPlan("Front room", ("NATherm1", "NRV"), "livingroom"),
                    RoomPlan("Back room", ("NRV",), shape=RoomShape(12)),
                ),
            ),
            # Valves only: no thermostat tells whether the boiler runs.
            HomePlan(
                "Terrace 2",
                (
                    RoomPlan("Parlour", ("NRV",), "livingroom"),
                    RoomPlan("Box room", ("NRV",), shape=RoomShape(8)),
                ),
            ),
        ),
    ),
    UserPlan(
        NETATMO_ODD_USER,
        NETATMO_ODD_REFRESH_TOKEN,
        (
            HomePlan(
                "Manor",
                (
                    RoomPlan("Library", ("OTM",), "livingroom"),
                    RoomPlan("Gallery", ("NRV",), shape=RoomShape(30, heavy=True)),
                ),
                gateway="OTH",
                history_days=14,
            ),
            HomePlan(
                "Studio",
                (RoomPlan("Studio", ("BNS",)),),
                gateway=None,
                others=("NACamera",),
                listed_modules=False,
                history_days=14,
            ),
            HomePlan("Garden", gateway=None),
        ),
    ),
)

HARBOUR_BOARD = "harbour-board"
HARBOUR_DAEMON = "harbour-pi"

BOARD_SCENARIO: tuple[BoardPlan, ...] = (
    BoardPlan(
        HARBOUR_BOARD,
        "Harbour Flat",
        401,
        (ChannelPlan(1, Load.HOME), ChannelPlan(2, Load.KITCHEN)),
    ),
)
DAEMON_SCENARIO: tuple[DaemonPlan, ...] = (
    DaemonPlan(
        HARBOUR_DAEMON,
        "Harbour Flat",
        401,
        {"28-000004011a2b": "Hall", "28-000004013c4d": None},
    ),
)

PARTICLE_USER = "keeper@example.com"
PARTICLE_TOKEN = "5100" * 10
PARTICLE_EXPIRED_TOKEN = "5101" * 10
PARTICLE_NO_EVENTS_TOKEN = "5102" * 10
"""Good for lists and boards, for neither variables nor events."""
PARTICLE_PRODUCT = 8137
PARTICLE_PRODUCT_TOKEN = "5103" * 10
"""Good for the product only, as an API user's is."""
PARTICLE_ODD_USER = "odd@example.com"
PARTICLE_ODD_TOKEN = "5104" * 10
MILL_BOARD = "mill-fridge"

PARTICLE_SCENARIO: tuple[OwnerPlan, ...] = (
    OwnerPlan(
        PARTICLE_USER,
        (
            TokenPlan(PARTICLE_TOKEN),
            TokenPlan(PARTICLE_EXPIRED_TOKEN, expired=True),
            TokenPlan(PARTICLE_NO_EVENTS_TOKEN, scopes=frozenset({LIST, GET})),
        ),
        (
            DevicePlan(
                MILL_BOARD,
                "Mill Cottage",
                202,
                Load.FRIDGE_AND_MICROWAVE,
                variables={"power": Quantity.POWER},
            ),
        ),
    ),
    OwnerPlan(
        "terraces@example.com",
        (TokenPlan(PARTICLE_PRODUCT_TOKEN, PARTICLE_PRODUCT),),
        (
            DevicePlan(
                "terrace-1", "Terrace 1", 301, Load.HOME, product=PARTICLE_PRODUCT
            ),
            DevicePlan(
                "terrace-2", "Terrace 2", 302, Load.KITCHEN, product=PARTICLE_PRODUCT
            ),
        ),
    ),
    OwnerPlan(
        PARTICLE_ODD_USER,
        (TokenPlan(PARTICLE_ODD_TOKEN),),
        (
            DevicePlan(
                "older",
                "Manor",
                501,
                watts=150,
                volts=230,
                power_factor=0.8,
                events=OLDER_EVENTS,
            ),
            DevicePlan(
                "battery",
                "Manor",
                events=BATTERY_EVENTS,
                variables={
                    "V": Quantity.BATTERY_VOLTS,
                    "SoC": Quantity.CHARGE,
                },
                period_ms=BATTERY_PERIOD_MS,
            ),
            DevicePlan(
                "odd",
                "Manor",
                events=(
                    ("power", Quantity.ODD),
                    ("powerfail", Quantity.TEMPERATURE),
                    ("Power", Quantity.TEMPERATURE),
                ),
                variables={
                    "text": Quantity.ODD,
                    "door": Quantity.SWITCH,
                    "temperature": Quantity.TEMPERATURE,
                },
                period_ms=10_000,
            ),
            DevicePlan(
                "attic", "Manor", online=False, variables={"V": Quantity.CHARGE}
            ),
        ),
    ),
)
