"""How the ledger writes down what it stores."""

from datetime import UTC, datetime, timedelta
from typing import Final

from ..metering.model import (
    SLOT,
    CounterReading,
    MeterRole,
    PowerReading,
    Provenance,
    Reading,
    Slot,
)
from ..metering.periods import SlotRow

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
UNITS_PER_KWH: Final = 1_000_000_000
SLOT_SECONDS: Final = SLOT // timedelta(seconds=1)
HOUR_SECONDS: Final = 3600

# These numbers are in every file: add to them, never change one.
ROLES: Final = {MeterRole.GRID: 0, MeterRole.GENERATION: 1, MeterRole.SUBMETER: 2}
ROLE_OF: Final = {code: role for role, code in ROLES.items()}
PROVENANCES: Final = {
    Provenance.UNKNOWN: 0,
    Provenance.MEASURED: 1,
    Provenance.VENDOR: 2,
    Provenance.INTERPOLATED: 3,
}
PROVENANCE_OF: Final = {code: origin for origin, code in PROVENANCES.items()}
POWER: Final = 0
COUNTER: Final = 1
COUNTER_AFTER_GAP: Final = 2


def micros(at: datetime) -> int:
    """Return an aware instant in Unix microseconds."""
    return (at - EPOCH) // timedelta(microseconds=1)


def from_micros(at_us: int) -> datetime:
    """Return the instant of Unix microseconds in UTC."""
    return EPOCH + timedelta(microseconds=at_us)


def seconds(at: datetime) -> int:
    """Return an aware instant in Unix seconds, rounded up to a whole one."""
    return -((EPOCH - at) // timedelta(seconds=1))


def from_seconds(at: int) -> datetime:
    """Return the instant of Unix seconds in UTC."""
    return EPOCH + timedelta(seconds=at)


def slot_from(at: datetime) -> int:
    """Return the start of the first slot at or after an aware instant in Unix seconds."""
    return -(-seconds(at) // SLOT_SECONDS) * SLOT_SECONDS


def hour_from(at: datetime) -> int:
    """Return the first hour that starts at or after an aware instant in Unix hours."""
    return -(-seconds(at) // HOUR_SECONDS)


def units(kwh: float) -> int:
    """Return an energy in micro-Wh."""
    return round(kwh * UNITS_PER_KWH)


def kwh(energy: int) -> float:
    """Return micro-Wh in kWh as they are published: rounded to six decimals."""
    return round(energy / UNITS_PER_KWH, 6)


def reading_row(reading: Reading) -> tuple[int, int, float]:
    """Return a reading as it is stored: stamp, kind, value."""
    if isinstance(reading, CounterReading):
        kind = COUNTER_AFTER_GAP if reading.gap else COUNTER
        return micros(reading.at), kind, reading.energy
    return micros(reading.at), POWER, reading.power


def row_reading(at_us: int, kind: int, value: float) -> Reading:
    """Return a stored reading."""
    at = from_micros(at_us)
    if kind == POWER:
        return PowerReading(at, value)
    return CounterReading(at, value, gap=kind == COUNTER_AFTER_GAP)


def slot_start_s(at: datetime) -> int:
    """Return the start of a slot in Unix seconds. Raises ValueError where none starts."""
    start = at.timestamp()
    if start % SLOT_SECONDS:
        raise ValueError(f"No slot starts at {at}")
    return int(start)


def slot_row(slot: Slot) -> tuple[int, int, int | None, int | None]:
    """Return a slot as it is stored: start, provenance, energy, returned.

    Raises ValueError for a slot that is not aligned.
    """
    start = slot_start_s(slot.start)
    return (
        start,
        PROVENANCES[slot.provenance],
        None if slot.energy is None else units(slot.energy),
        None if slot.returned is None else units(slot.returned),
    )


def row_slot(
    start: int, provenance: int, energy: int | None, returned: int | None
) -> Slot:
    """Return a stored slot."""
    return Slot(
        start=from_seconds(start),
        energy=None if energy is None else energy / UNITS_PER_KWH,
        returned=None if returned is None else returned / UNITS_PER_KWH,
        provenance=PROVENANCE_OF[provenance],
    )


def row_of(slot: Slot) -> SlotRow:
    """Return a slot in whole micro-Wh. Raises ValueError for one that is not aligned."""
    start, _, energy, returned = slot_row(slot)
    return SlotRow(start, slot.provenance, energy, returned)


def slot_of(row: SlotRow) -> Slot:
    """Return a slot that is given in whole micro-Wh."""
    return row_slot(row.start_s, PROVENANCES[row.provenance], row.energy, row.returned)
