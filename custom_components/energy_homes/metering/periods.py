"""What a meter counted in each period, with the part that nobody can place in one.

A packet is what a counter shows at an instant. A period's *known* part leads from the last
packet of the period before it to its own last packet; its *unknown* part leads up to its
first packet, where the period before it has none. The slots of a ledger give packets: after
each known slot the total at its last instant, so that it belongs to the slot's own period.

Energies are whole micro-Wh, so that sums are exact in any order; they are rounded where they
are shown. Instants are Unix seconds (`_s`) or milliseconds (`_ms`), periods are half-open.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import groupby, pairwise
from typing import Final, NamedTuple, Self

from .model import SLOT, Provenance

SLOT_S: Final = SLOT // timedelta(seconds=1)
PERIOD_S: Final = 15 * 60
"""Length of the periods that are computed and stored, aligned to the Unix epoch."""

SHOWN_S: Final = (SLOT_S, PERIOD_S, 2 * PERIOD_S, 4 * PERIOD_S)
"""Lengths of the periods that can be asked for: slots, periods, and periods combined."""

NEWEST_BACK: Final = 2
"""The newest period that exists is this many before the present one: its slots have come."""


class Packet(NamedTuple):
    """What a counter shows at an instant, in micro-Wh; both values restart together."""

    at_ms: int
    energy: int
    returned: int = 0


class SlotRow(NamedTuple):
    """A slot as a ledger keeps it: energies in micro-Wh, None exactly where unknown."""

    start_s: int
    provenance: Provenance
    energy: int | None
    returned: int | None


class Quality(NamedTuple):
    """How many seconds of a period come from where."""

    measured: int = 0
    vendor: int = 0
    interpolated: int = 0
    unknown: int = 0

    def plus(self, other: Self) -> Quality:
        """Return both together."""
        return Quality(*map(sum, zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Accumulation:
    """What a meter counted in a period, in micro-Wh; `returned` is what it exported.

    `first_ms` and `last_ms` are the stamps that the known part lies between, both None where
    nothing is known. The unknown part began at `unknown_start_ms`, None where there is none.
    Raises ValueError where that does not hold.
    """

    first_ms: int | None = None
    last_ms: int | None = None
    energy: int = 0
    returned: int = 0
    unknown_start_ms: int | None = None
    unknown_energy: int = 0
    unknown_returned: int = 0

    def __post_init__(self) -> None:
        """Refuse what says two things at once."""
        first, last, start = self.first_ms, self.last_ms, self.unknown_start_ms
        if first is None or last is None:
            if first is not last or start is not None or self.energy or self.returned:
                raise ValueError(f"Known without stamps: {self}")
        elif first > last or (start is not None and start >= first):
            raise ValueError(f"Not in the order of time: {self}")
        if start is None and (self.unknown_energy or self.unknown_returned):
            raise ValueError(f"An unknown part without a beginning: {self}")
        if (
            min(self.energy, self.returned, self.unknown_energy, self.unknown_returned)
            < 0
        ):
            raise ValueError(f"A counter does not count backwards: {self}")

    @property
    def known(self) -> bool:
        """Return whether anything is known of the period."""
        return self.first_ms is not None


UNKNOWN: Final = Accumulation()


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period of a meter: `[start_s, start_s + duration_s)`, and where it comes from.

    Raises ValueError where `quality` does not cover the period.
    """

    start_s: int
    duration_s: int
    counted: Accumulation
    quality: Quality

    def __post_init__(self) -> None:
        """Refuse a quality of another period."""
        if sum(self.quality) != self.duration_s or min(self.quality) < 0:
            raise ValueError(f"{self.quality} is not {self.duration_s} seconds")


def newest_start_s(now: datetime, duration_s: int = PERIOD_S) -> int:
    """Return the start of the newest period of a length that exists at an aware instant.

    Slots and quarter hours exist two periods back; what is combined of quarter hours, as
    soon as all of them exist.
    """
    computed_s = min(duration_s, PERIOD_S)
    present = int(now.timestamp()) // computed_s
    end_s = (present - NEWEST_BACK + 1) * computed_s
    return (end_s // duration_s - 1) * duration_s


def starts_s(begin_s: int, end_s: int, duration_s: int) -> range:
    """Return the starts in `[begin_s, end_s)` of periods of a length."""
    return range(-(-begin_s // duration_s) * duration_s, end_s, duration_s)


def accumulations(packets: Sequence[Packet], starts_ms: range) -> list[Accumulation]:
    """Return what was counted in the periods that start at `starts_ms`.

    They follow on each other: the range's step is their length. Packets are in the order of
    their stamps. A value that is lower than the one before it began anew at zero and counts
    in full. However old the last packet is, the unknown part reaches back to it, so that
    everything between the first packet and the last is in some period.
    """
    counted = _counted(packets)
    stamps_ms = [packet.at_ms for packet in counted]
    duration_ms = starts_ms.step
    found: list[Accumulation] = []
    index = bisect_left(stamps_ms, starts_ms.start)
    for start_ms in starts_ms:
        first, index = index, bisect_left(stamps_ms, start_ms + duration_ms, lo=index)
        found.append(
            UNKNOWN
            if first == index
            else _accumulation(
                counted[first - 1] if first else None,
                counted[first],
                counted[index - 1],
                start_ms - duration_ms,
            )
        )
    return found


def _counted(packets: Sequence[Packet]) -> Sequence[Packet]:
    """Return packets of a counter that goes on where the given one begins anew."""
    if not any(_began_anew(*both) for both in pairwise(packets)):
        return packets
    energy = returned = 0
    counted = [packets[0]]
    for before, packet in pairwise(packets):
        if _began_anew(before, packet):
            energy += before.energy
            returned += before.returned
        counted.append(
            Packet(packet.at_ms, energy + packet.energy, returned + packet.returned)
        )
    return counted


def _began_anew(before: Packet, packet: Packet) -> bool:
    """Return whether a counter was set back to zero between two packets."""
    return packet.energy < before.energy or packet.returned < before.returned


def _accumulation(
    before: Packet | None, first: Packet, last: Packet, previous_ms: int
) -> Accumulation:
    """Return what was counted up to the last packet of a period.

    `before` is the last packet before the period, `previous_ms` where the previous begins.
    """
    if before is not None and before.at_ms >= previous_ms:
        origin, lost = before, first
    else:
        origin, lost = first, before or first
    unknown = lost.at_ms < origin.at_ms
    return Accumulation(
        first_ms=origin.at_ms,
        last_ms=last.at_ms,
        energy=last.energy - origin.energy,
        returned=last.returned - origin.returned,
        unknown_start_ms=lost.at_ms if unknown else None,
        unknown_energy=first.energy - lost.energy if unknown else 0,
        unknown_returned=first.returned - lost.returned if unknown else 0,
    )


def combine(one: Accumulation, other: Accumulation) -> Accumulation:
    """Return what was counted in two periods of which the other follows on the one.

    Only an unknown part that leads into both together stays unknown.
    """
    if not one.known:
        return other
    if not other.known:
        return one
    return Accumulation(
        first_ms=one.first_ms,
        last_ms=other.last_ms,
        energy=one.energy + other.energy + other.unknown_energy,
        returned=one.returned + other.returned + other.unknown_returned,
        unknown_start_ms=one.unknown_start_ms,
        unknown_energy=one.unknown_energy,
        unknown_returned=one.unknown_returned,
    )


def slot_packets(rows: Iterable[SlotRow]) -> list[Packet]:
    """Return a packet after each known slot, at its last millisecond; rows are in order."""
    energy = returned = 0
    packets: list[Packet] = []
    for start_s, _, slot_energy, slot_returned in rows:
        if slot_energy is not None and slot_returned is not None:
            energy += slot_energy
            returned += slot_returned
            packets.append(Packet(1000 * (start_s + SLOT_S) - 1, energy, returned))
    return packets


def periods(rows: Sequence[SlotRow], starts: range) -> list[Period]:
    """Return the periods of a meter that start at `starts`, in seconds, from its slots.

    Rows are in order and begin with the last known slot before the first period, where there
    is one. A meter has no period before its first known slot, and what that slot counted is
    in none: nobody knows what the counter showed before it.
    """
    begin_s = next((row.start_s for row in rows if row.energy is not None), None)
    if begin_s is None:
        return []
    starts = starts[max(begin_s - starts.start, 0) // starts.step :]
    starts_ms = range(1000 * starts.start, 1000 * starts.stop, 1000 * starts.step)
    qualities = _qualities(rows, starts.step)
    return [
        Period(
            start_s=start_s,
            duration_s=starts.step,
            counted=counted,
            quality=qualities.get(start_s) or Quality(unknown=starts.step),
        )
        for start_s, counted in zip(
            starts, accumulations(slot_packets(rows), starts_ms), strict=True
        )
    ]


def _qualities(rows: Iterable[SlotRow], duration_s: int) -> Mapping[int, Quality]:
    """Return where the known slots of each period come from, by the period's start."""
    slots = Counter((row[0] // duration_s, row[1]) for row in rows)
    found: dict[int, Quality] = {}
    for (number, origin), count in slots.items():
        quality = found.get(number, Quality(unknown=duration_s))
        if origin is not Provenance.UNKNOWN:
            known_s = SLOT_S * count
            found[number] = quality._replace(
                **{
                    origin.value: known_s,
                    "unknown": quality.unknown - known_s,
                }
            )
    return {number * duration_s: quality for number, quality in found.items()}


def slot_periods(rows: Iterable[SlotRow]) -> list[Period]:
    """Return a period for each slot: what is known of it is known from bound to bound."""
    return [
        Period(
            start_s=row.start_s,
            duration_s=SLOT_S,
            counted=UNKNOWN
            if row.energy is None
            else Accumulation(
                first_ms=1000 * row.start_s - 1,
                last_ms=1000 * (row.start_s + SLOT_S) - 1,
                energy=row.energy,
                returned=row.returned or 0,
            ),
            quality=Quality(**{row.provenance.value: SLOT_S}),
        )
        for row in rows
    ]


def combined(found: Iterable[Period], duration_s: int) -> list[Period]:
    """Return periods of a multiple of the given ones' length, in order.

    Those that are not given are unknown; where none is given there is none.
    """
    return [
        Period(
            start_s=start_s,
            duration_s=duration_s,
            counted=reduce(combine, (part.counted for part in parts)),
            quality=_covering(parts, duration_s),
        )
        for start_s, group in groupby(
            found, key=lambda period: period.start_s // duration_s * duration_s
        )
        for parts in [list(group)]
    ]


def _covering(parts: Sequence[Period], duration_s: int) -> Quality:
    """Return where parts come from, unknown where a part is missing."""
    quality = reduce(Quality.plus, (part.quality for part in parts))
    return quality.plus(Quality(unknown=duration_s - sum(quality)))
