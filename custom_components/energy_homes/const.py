"""Constants of the Energy Homes integration."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

DOMAIN: Final = "energy_homes"

CONF_ACCOUNT: Final = "account"
CONF_BOARD: Final = "board_id"
CONF_ENTITY: Final = "entity"
CONF_HARDWARE: Final = "hardware"
CONF_HOME_ID: Final = "home_id"
CONF_IMPORT_FROM: Final = "import_from"
CONF_KIND: Final = "kind"
CONF_MEASURES: Final = "measures"
CONF_MODULES: Final = "modules"
CONF_PRODUCT: Final = "product"
CONF_REVISIONS: Final = "revisions"
CONF_ROLE: Final = "role"
CONF_ROOMS: Final = "rooms"
CONF_SENSORS: Final = "sensors"
CONF_SERVER: Final = "server"
CONF_SINCE: Final = "since"
CONF_SOURCE_ID: Final = "source_id"
CONF_TIME_ZONE: Final = "time_zone"

SUBENTRY_METER: Final = "meter"
SUBENTRY_HEATING: Final = "netatmo_home"
SUBENTRY_PARTICLE_BOARD: Final = "particle_board"
SUBENTRY_SENSORS: Final = "sensors"

MANUFACTURER: Final = "Energy Homes"

LEDGER_FILE: Final = "energy_homes.db"

SETTLE_DELAY: Final = timedelta(seconds=90)
"""How long after its end a slot waits for late readings before it is settled."""

ISSUE_METER_MISSING: Final = "meter_missing"

METER_MISSING_AFTER: Final = timedelta(days=1)
"""How long a meter may be absent from its account before a repair is raised."""


class EntryKind(StrEnum):
    """What a config entry of ours stands for."""

    HOME = "home"
    EFERGY = "efergy"
    NETATMO = "netatmo"
    PULSE_BOARD = "pulse_board"
    PARTICLE = "particle"


class SourceKind(StrEnum):
    """What a revision of a source reads from."""

    EFERGY = "efergy"
    ENTITY = "entity"
    NETATMO = "netatmo"
    PULSE_BOARD = "pulse_board"
    REMOTE = "remote"
    PARTICLE = "particle"


class EfergyServer(StrEnum):
    """Which Efergy server an account talks to."""

    ENGAGE = "engage"
    ENERGYHIVE = "energyhive"
    OTHER = "other"
