"""What a counter counted: genuine resets told from dips, and steps that nobody can use."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from .model import MAX_POWER, CounterReading

RESET_SHARE: Final = 0.9
"""A counter that falls below this share of what it showed began again, or shows nonsense."""

SURGE: Final = timedelta(minutes=1)
"""A step is taken to be used over at least this long.

A dial moves in steps: one that was read a moment before its step used no such power. At
the limit of power this is more than 16 kWh, more than the coarsest dial's step of 10 kWh.
"""


@dataclass(slots=True)
class Judged:
    """What readings of a counter say, as far as that is certain.

    `counted` is the energy in kWh up to each reading and `shown` what the counter shows
    without noise; both leave out a last reading that the next one has to confirm.
    `turns` are the indexes of readings that were judged by the one after them, `refused`
    the stamps of what counts nothing: noise, and steps that are impossible.
    """

    counted: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    turns: set[int] = field(default_factory=set)
    refused: list[datetime] = field(default_factory=list)


def judge(readings: Sequence[CounterReading]) -> Judged:
    """Return what a counter counted; the readings are in the order of their stamps.

    A value below 90 % of what was shown is a reset where the next reading is below it too,
    and a rise of more than MAX_POWER another counter where the next one says the same:
    else they are noise. A reset counts from zero, another counter from what it shows.
    """
    judged = Judged([readings[0].energy], [readings[0].energy])
    for index in range(1, len(readings)):
        before, reading = readings[index - 1], readings[index]
        shown = judged.shown[-1]
        turn = _turn(shown, before.at, reading)
        step = max(reading.energy - shown, 0.0)
        shown = max(reading.energy, shown)
        if turn != 0:
            if index + 1 == len(readings):
                break
            judged.turns.add(index)
            step, shown = 0.0, judged.shown[-1]
            if _turn(shown, before.at, readings[index + 1]) != turn:
                judged.refused.append(reading.at)
            else:
                shown = reading.energy
                if reading.energy > _possible(before.at, reading.at):
                    judged.refused.append(reading.at)
                else:
                    step = reading.energy
        judged.counted.append(judged.counted[-1] + step)
        judged.shown.append(shown)
    return judged


def drop_oldest(readings: list[CounterReading], count: int) -> None:
    """Forget the oldest readings, but not what the counter showed by then.

    Fewer than `count` go where the first that stays still has to be confirmed.
    """
    if count <= 0:
        return
    shown = judge(readings[: count + 2]).shown
    count = min(count, len(shown) - 1)
    readings[count] = CounterReading(readings[count].at, shown[count])
    del readings[:count]


def mean_power(readings: Sequence[CounterReading], least: timedelta) -> float | None:
    """Return the mean power in W; None where the readings reach over less than `least`."""
    counted = judge(readings).counted
    span = readings[len(counted) - 1].at - readings[0].at
    if span < least:
        return None
    return (counted[-1] - counted[0]) * 1000 / (span / timedelta(hours=1))


def _turn(shown: float, since: datetime, reading: CounterReading) -> int:
    """Return -1 for a fall to another level, 1 for an impossible rise, else 0."""
    if reading.energy < RESET_SHARE * shown:
        return -1
    return int(reading.energy - shown > _possible(since, reading.at))


def _possible(since: datetime, until: datetime) -> float:
    """Return the energy in kWh that can be used between two readings."""
    return MAX_POWER / 1000 * (max(until - since, SURGE) / timedelta(hours=1))
