"""What boards published, and the energy of it as the project counts it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from simulator.home import MILLIWATT_SECONDS_PER_KWH, kwh
from simulator.particle.device import Device
from simulator.particle.plan import Quantity
from simulator.world import World

SLOT_MS = 300_000
SPACING_MS = 4_000
LONGEST_MS = SPACING_MS * 5 // 2
"""Two readings that are further apart leave what is between them unknown."""
MARGIN_MS = 60_000

type Json = dict[str, Any]
type Reading = tuple[int, float]


def particle_truth(
    world: World, from_ms: int, to_ms: int, *, published: bool
) -> dict[str, dict[str, Json]]:
    """Return what is true of each board in [from_ms, to_ms), by home and name."""
    homes: dict[str, dict[str, Json]] = {}
    now_ms = world.clock.now_ms
    for device in world.particle.devices.values():
        truth: Json = {
            "id": device.id,
            "online": device.online(now_ms),
            "power_w": round(device.signal.watts(now_ms), 3),
            "energy_kwh": kwh(device.signal.energy(from_ms, to_ms)),
        }
        if published:
            truth |= _published(device, from_ms, to_ms, now_ms)
        homes.setdefault(device.plan.home, {})[device.name] = truth
    return homes


def _published(device: Device, from_ms: int, to_ms: int, now_ms: int) -> Json:
    """Return readings by event, and slots and energy of those of the power."""
    end_ms = min(to_ms, now_ms + 1)
    since_ms = max(from_ms, device.since_ms)
    named: dict[str, list[tuple[int, str | None]]] = {}
    for event in device.events(since_ms, end_ms):
        named.setdefault(event.name, []).append((event.at_ms, event.data))
    power = {n for n, q in device.plan.events if q is Quantity.POWER}
    readings = [
        (event.at_ms, float(event.data or ""))
        for event in device.events(
            max(from_ms - MARGIN_MS, device.since_ms),
            min(to_ms + MARGIN_MS, now_ms + 1),
        )
        if event.name in power
    ]
    return {
        "published": named,
        "published_kwh": energy_kwh(readings, from_ms, to_ms),
        "slots": [
            [start_ms, slot_kwh(readings, start_ms)]
            for start_ms in range(-(-from_ms // SLOT_MS) * SLOT_MS, to_ms, SLOT_MS)
            if start_ms + SLOT_MS <= to_ms
        ],
    }


def slot_kwh(readings: Sequence[Reading], start_ms: int) -> float | None:
    """Return the energy of a slot, None where it is not complete.

    A reading's value holds from the reading before it up to its own stamp, and no two that
    touch the slot may be further apart than 2.5 times the usual spacing.
    """
    end_ms = start_ms + SLOT_MS
    covered_ms = 0
    for before, after in pairwise(readings):
        begin, end = max(before[0], start_ms), min(after[0], end_ms)
        if begin < end:
            if after[0] - before[0] > LONGEST_MS:
                return None
            covered_ms += end - begin
    return energy_kwh(readings, start_ms, end_ms) if covered_ms == SLOT_MS else None


def energy_kwh(readings: Sequence[Reading], from_ms: int, to_ms: int) -> float:
    """Return the energy that readings tell of [from_ms, to_ms), without what is unknown."""
    return sum(_parts(readings, from_ms, to_ms)) * 1000 / MILLIWATT_SECONDS_PER_KWH


def _parts(readings: Sequence[Reading], from_ms: int, to_ms: int) -> Iterator[float]:
    """Yield watt-seconds from one reading to the next."""
    for before, after in pairwise(readings):
        begin, end = max(before[0], from_ms), min(after[0], to_ms)
        if begin < end and after[0] - before[0] <= LONGEST_MS:
            yield after[1] * (end - begin) / 1000
