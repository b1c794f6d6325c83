"""Slots for tests of the ledger, counted from an instant."""

from datetime import UTC, datetime

from custom_components.energy_homes.metering.model import (
    SLOT,
    Provenance,
    Slot,
    unknown_slot,
)

T0 = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)


def slot(
    number: int,
    energy: float = 0.1,
    returned: float = 0.0,
    provenance: Provenance = Provenance.MEASURED,
) -> Slot:
    """Return the known slot that starts so many slots after T0."""
    return Slot(
        start=T0 + number * SLOT,
        energy=energy,
        returned=returned,
        provenance=provenance,
    )


def unknown(number: int) -> Slot:
    """Return the unknown slot that starts so many slots after T0."""
    return unknown_slot(T0 + number * SLOT)
