"""The accumulation of packets once more, as the original tells it: by chunks, four packets."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from custom_components.energy_homes.metering.periods import Accumulation, Packet

MINUTE_MS = 60_000
T0_MS = int(datetime(2026, 3, 1, 0, 0, tzinfo=UTC).timestamp()) * 1000
MICRO_WH = 1_000_000_000


def stamp(text: str, day: int = 0) -> int:
    """Return a time of day as milliseconds."""
    hour, minute = map(int, text.split(":"))
    return T0_MS + (day * 1440 + hour * 60 + minute) * MINUTE_MS


def packets(text: str, day: int = 0) -> list[Packet]:
    """Return packets from "12:00=1.5 12:05=1.6", in kWh; after a || the next day begins."""
    found = []
    for word in text.split():
        if word == "||":
            day += 1
            continue
        at, value = word.split("=")
        found.append(Packet(stamp(at, day), round(float(value) * MICRO_WH)))
    return found


def chunks(given: Sequence[Packet]) -> list[list[Packet]]:
    """Return packets cut before each that shows less than the one before it."""
    cut: list[list[Packet]] = [list(given[:1])]
    for before, packet in pairwise(given):
        if packet.energy < before.energy or packet.returned < before.returned:
            cut.append([])
        cut[-1].append(packet)
    return cut


def running(given: Sequence[Packet], upto: Packet) -> tuple[int, int]:
    """Return the running sums at a packet: complete earlier chunks, and its own so far."""
    energy = returned = 0
    for number, chunk in enumerate(chunks(given)):
        zero = chunk[0] if number == 0 else Packet(0, 0, 0)
        last = upto if upto in chunk else chunk[-1]
        energy += last.energy - zero.energy
        returned += last.returned - zero.returned
        if last is upto:
            break
    return energy, returned


def difference(given: Sequence[Packet], one: Packet, other: Packet) -> tuple[int, int]:
    """Return what was counted from the other packet to the one."""
    ones, others = running(given, one), running(given, other)
    return ones[0] - others[0], ones[1] - others[1]


def accumulated(given: Sequence[Packet], start: int, duration: int) -> Accumulation:
    """Return what was counted in a period, in milliseconds."""
    a = [p for p in given if p.at_ms < start - duration]
    b = [p for p in given if start - duration <= p.at_ms < start]
    inside = [p for p in given if start <= p.at_ms < start + duration]
    if not inside:
        return Accumulation()
    c, d = inside[0], inside[-1]
    f = b[-1] if b else c
    known = difference(given, d, f)
    if b or not a:
        return Accumulation(
            first_ms=f.at_ms, last_ms=d.at_ms, energy=known[0], returned=known[1]
        )
    lost = difference(given, c, a[-1])
    return Accumulation(
        first_ms=f.at_ms,
        last_ms=d.at_ms,
        energy=known[0],
        returned=known[1],
        unknown_start_ms=a[-1].at_ms,
        unknown_energy=lost[0],
        unknown_returned=lost[1],
    )
