"""How what a vendor answers, or what lies between known slots, fills the slots of gaps.

An answer fills what it resolves and no more: buckets within a slot fill it where they cover
it whole, longer ones are spread evenly over the slots that are missing in them. One that
begins or ends within a slot, as between two readings of a dial at odd minutes, is spread over
its time: a slot that it has only a part of is filled where others have the rest. A known slot
is never changed, and no slot gets more than the vendor has answered. What an answer
contradicts stays unknown.

Energies are whole micro-Wh, instants Unix seconds.
"""

from collections import ChainMap, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from .gaps import Gap
from .model import Provenance
from .periods import SLOT_S, SlotRow

MOST_INTERPOLATED: Final = 2
"""So many slots in a row may be interpolated between known ones."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor knows of `[start_s, end_s)`; None where it does not know the energy."""

    start_s: int
    end_s: int
    energy: int | None
    returned: int = 0


def trusted(answers: Iterable[Answer]) -> list[Answer]:
    """Return the buckets of a series without those that touch one that is not known.

    A vendor tells of half a bucket as if it were a whole one: the bucket in which a meter
    fell silent, or came back, has less in it than was used.
    """
    ordered = sorted(answers, key=lambda answer: answer.start_s)
    shut: set[int] = set()
    for one, other in pairwise(ordered):
        if one.end_s == other.start_s and None in (one.energy, other.energy):
            shut |= {one.start_s, other.start_s}
    return [
        replace(answer, energy=None) if answer.start_s in shut else answer
        for answer in ordered
    ]


def corrected(
    pieces: Sequence[Answer], whole: Answer, half_unit: int
) -> list[Answer] | None:
    """Return pieces whose sum is that of the whole, where rounding explains the difference.

    Each number may be off by `half_unit`. A piece that is not known, and sums that differ
    by more than roundings can, leave nothing to rely on: None.
    """
    energies = [piece.energy for piece in pieces if piece.energy is not None]
    if whole.energy is None or len(energies) < len(pieces):
        return None
    lack = whole.energy - sum(energies)
    if abs(lack) > half_unit * (len(pieces) + 1):
        return None
    room = [half_unit if lack >= 0 else min(half_unit, energy) for energy in energies]
    moved = _portions(min(abs(lack), sum(room)), room)
    sign = 1 if lack >= 0 else -1
    return [
        replace(piece, energy=energy + sign * part)
        for piece, energy, part in zip(pieces, energies, moved, strict=True)
    ]


def _portions(amount: int, room: Sequence[int]) -> list[int]:
    """Return an amount in parts that are as equal as the room of each allows."""
    parts = [0] * len(room)
    order = sorted(range(len(room)), key=lambda index: room[index])
    for place, index in enumerate(order):
        parts[index] = min(room[index], amount // (len(order) - place))
        amount -= parts[index]
    return parts


def fill(
    known: Mapping[int, SlotRow],
    gaps: Iterable[Gap],
    answers: Iterable[Answer],
    *,
    half_unit: int = 0,
) -> list[SlotRow]:
    """Return the slots of gaps that answers make known, in order.

    `known` has every known slot that an answer covers, by its start. The finest answer
    counts. An answer that covers known slots as well is for what they leave of it; where they
    have more than it says by more than `half_unit`, it says nothing.
    """
    wanted = {start for one in gaps for start in one if start not in known}
    filled: dict[int, SlotRow] = {}
    told = ChainMap(filled, dict(known))
    parts: defaultdict[int, list[Answer]] = defaultdict(list)
    longer: list[Answer] = []
    for answer in sorted(
        answers, key=lambda one: (one.end_s - one.start_s, one.start_s)
    ):
        if answer.end_s <= _slot_of(answer.start_s) + SLOT_S:
            parts[_slot_of(answer.start_s)].append(answer)
        else:
            longer.append(answer)
    filled |= _completed(parts, parts, wanted)
    for answer in longer:
        if answer.start_s % SLOT_S or answer.end_s % SLOT_S:
            pieces = _pieces(answer, told, half_unit)
            for piece in pieces:
                parts[_slot_of(piece.start_s)].append(piece)
            slots = [_slot_of(piece.start_s) for piece in pieces]
            filled |= _completed(parts, slots, wanted - filled.keys())
        else:
            filled |= {
                row.start_s: row
                for row in _spread(answer, told, half_unit)
                if row.start_s in wanted
            }
    return [row for _, row in sorted(filled.items())]


def _slot_of(at_s: int) -> int:
    """Return the start of the slot that an instant is in."""
    return at_s // SLOT_S * SLOT_S


def _completed(
    parts: Mapping[int, Sequence[Answer]],
    slots: Iterable[int],
    wanted: AbstractSet[int],
) -> dict[int, SlotRow]:
    """Return those of some slots that are wanted and that their parts cover."""
    return {
        start: row
        for start in slots
        if start in wanted and (row := _whole(start, parts[start])) is not None
    }


def _whole(start_s: int, parts: Sequence[Answer]) -> SlotRow | None:
    """Return a slot whose parts cover it, each instant once; None where they do not."""
    energy = returned = 0
    covered_s = start_s
    for part in sorted(parts, key=lambda part: part.start_s):
        if part.energy is None or part.start_s != covered_s:
            return None
        energy += part.energy
        returned += part.returned
        covered_s = part.end_s
    if covered_s != start_s + SLOT_S:
        return None
    return SlotRow(start_s, Provenance.VENDOR, energy, returned)


def _spread(
    answer: Answer, known: Mapping[int, SlotRow], half_unit: int
) -> list[SlotRow]:
    """Return the missing slots of an answer, each with an equal part of what is left."""
    if answer.energy is None:
        return []
    energy, returned = answer.energy, answer.returned
    missing: list[int] = []
    for start in range(answer.start_s, answer.end_s, SLOT_S):
        if (row := known.get(start)) is None:
            missing.append(start)
        else:
            energy -= row.energy or 0
            returned -= row.returned or 0
    if not missing or min(energy, returned) < -half_unit:
        return []
    return [
        SlotRow(start, Provenance.VENDOR, part, back)
        for start, part, back in zip(
            missing,
            _shares(max(energy, 0), len(missing)),
            _shares(max(returned, 0), len(missing)),
            strict=True,
        )
    ]


def _pieces(
    answer: Answer, known: Mapping[int, SlotRow], half_unit: int
) -> list[Answer]:
    """Return what is left of an answer by the slots it reaches into, evenly over its time.

    Known slots have their part of it; one that the answer cuts has it evenly, too.
    """
    if answer.energy is None:
        return []
    energy, returned = answer.energy, answer.returned
    missing: list[tuple[int, int]] = []
    for slot in range(_slot_of(answer.start_s), answer.end_s, SLOT_S):
        begin_s = max(slot, answer.start_s)
        end_s = min(slot + SLOT_S, answer.end_s)
        if (row := known.get(slot)) is None:
            missing.append((begin_s, end_s))
        else:
            energy -= _part(row.energy or 0, begin_s - slot, end_s - slot, SLOT_S)
            returned -= _part(row.returned or 0, begin_s - slot, end_s - slot, SLOT_S)
    if min(energy, returned) < -half_unit:
        return []
    whole_s = sum(end_s - begin_s for begin_s, end_s in missing)
    pieces: list[Answer] = []
    gone_s = 0
    for begin_s, end_s in missing:
        until_s = gone_s + end_s - begin_s
        part, back = (
            _part(max(amount, 0), gone_s, until_s, whole_s)
            for amount in (energy, returned)
        )
        pieces.append(Answer(begin_s, end_s, part, back))
        gone_s = until_s
    return pieces


def _part(amount: int, begin_s: int, end_s: int, whole_s: int) -> int:
    """Return the part of an amount that is for `[begin_s, end_s)` of its `whole_s`.

    Parts that follow each other add up to the amount.
    """
    return amount * end_s // whole_s - amount * begin_s // whole_s


def _shares(amount: int, count: int) -> list[int]:
    """Return an amount in equal parts that add up to it."""
    share, more = divmod(amount, count)
    return [share + (number < more) for number in range(count)]


def interpolated(known: Iterable[SlotRow], gaps: Iterable[Gap]) -> list[SlotRow]:
    """Return the slots of gaps that lie between known slots, two in a row at most.

    Each leads in a straight line from the known slot before it to the one after it. Known
    slots are in order. A run that is not within one gap stays: nobody knows what was before
    a meter by what is after it.
    """
    spans = list(gaps)
    found: list[SlotRow] = []
    for one, other in pairwise(known):
        if count := slots_between(one.start_s, other.start_s, spans):
            found += (
                SlotRow(
                    one.start_s + number * SLOT_S,
                    Provenance.INTERPOLATED,
                    _between(one.energy, other.energy, number, count + 1),
                    _between(one.returned, other.returned, number, count + 1),
                )
                for number in range(1, count + 1)
            )
    return found


def slots_between(start_s: int, after_s: int, gaps: Iterable[Gap]) -> int:
    """Return how many slots are missing between two known ones that start then.

    0 where they are too many to interpolate, or not within one gap.
    """
    count = (after_s - start_s) // SLOT_S - 1
    first_s, last_s = start_s + SLOT_S, after_s - SLOT_S
    if 0 < count <= MOST_INTERPOLATED and any(
        first_s in gap and last_s in gap for gap in gaps
    ):
        return count
    return 0


def _between(one: int | None, other: int | None, number: int, count: int) -> int:
    """Return a value part of the way from one known value to another."""
    assert one is not None
    assert other is not None
    return one + (other - one) * number // count
