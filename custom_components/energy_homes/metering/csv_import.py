"""What a meter counted, as a CSV file tells it: readings of its dial, or energies.

Columns (small or capital letters, in any order; others are left alone):

- `time`, `start`, `datetime` or `timestamp`: when. ISO 8601 with an offset or `Z`; without
  one it is wall time of the home's zone; or Unix seconds. `date` alone is its midnight,
  `date` and `time` are put together.
- `end` (energies only): when that time is over.
- `reading`, in kWh, or `reading_wh`, `reading_kwh`, `reading_mwh`: what the dial shows.
- `energy` in kWh, or `kwh`, `wh`, `mwh`, `energy_wh`, `energy_kwh`, `energy_mwh`: what was
  used from the time on.

**Readings**: the difference between two of them is what was used between them. What a fall,
an impossible rise or a value that the next one belies means is told by `dial`, as it is for
a meter that is read live: a reset counts from zero.

**Energies** last until `end`; without it until the next row begins, where that is no later
than usual, else as long as usual: a row that is missing is not filled by the one before it.
Days and months are those of the calendar. An empty cell is a time of which nothing is known.

**Changes of the clock**: where the clock is put back a wall time comes twice. Rows are in
order of time, upwards or downwards, so the first is the earlier one. A wall time that the
clock leaves out when it is put forward is an error: such a file is not in the home's zone.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise, zip_longest
import re
from typing import Final, NamedTuple

from .counter import UNITS_PER_KWH
from .csv_table import CsvError, Line, Table, read_table
from .dial import judge
from .gap_fill import Answer
from .model import MAX_POWER, CounterReading

TIME_NAMES: Final = ("time", "start", "datetime", "timestamp")
END_NAMES: Final = ("end", "end_time")

_PER_KWH: Final = {"": 1.0, "kwh": 1.0, "wh": 1000.0, "mwh": 0.001}
_READINGS: Final = {
    f"reading_{unit}".rstrip("_"): per_kwh for unit, per_kwh in _PER_KWH.items()
}
_ENERGIES: Final = {
    f"energy_{unit}".rstrip("_"): per_kwh for unit, per_kwh in _PER_KWH.items()
} | {unit: per_kwh for unit, per_kwh in _PER_KWH.items() if unit}
_NAMES: Final = (
    dict.fromkeys((*TIME_NAMES, "start_time"), "time")
    | dict.fromkeys(END_NAMES, "end")
    | {"date": "date"}
    | {name: name for name in (*_READINGS, *_ENERGIES)}
)

LATER_THAN_USUAL: Final = 1.5
"""A row that begins after so many usual spacings has one that is missing before it."""

DAY: Final = timedelta(days=1)
FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2099

_UNIX_S: Final = re.compile(r"(\d{9,10})(\.\d*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CsvEnergy:
    """What a file tells: answers in order of time, in micro-Wh and Unix seconds.

    They do not overlap; `refused` are the lines of readings that count nothing.
    """

    answers: tuple[Answer, ...]
    refused: tuple[int, ...] = ()


class _Row(NamedTuple):
    """A row with its instant in whole Unix seconds, and its value where it has one."""

    start_s: int
    line: int
    value: float | None
    end_s: int | None


def read_energy(text: str, zone: tzinfo) -> CsvEnergy:
    """Read a file of readings or energies; wall times are of `zone`.

    Raises CsvError, beside what `read_table` says: `csv_time` for no time, `csv_no_such_time`
    for a wall time that the clock left out, `csv_time_twice`, `csv_number`, `csv_overlap` and
    `csv_end` for rows that last into each other or end before they begin, `csv_too_much`
    where no home uses so much, `csv_one_row` where one row does not say how long it lasts.
    """
    table = read_table(text, _NAMES)
    values = [name for name in (*_READINGS, *_ENERGIES) if name in table.columns]
    if len(values) != 1 or not table.columns & {"time", "date"}:
        raise CsvError("csv_columns", 1, found=", ".join(sorted(table.columns)))
    (column,) = values
    rows = _rows(table, column, (_READINGS | _ENERGIES)[column], zone)
    return _readings(rows) if column in _READINGS else _energies(rows, zone)


def _rows(table: Table, column: str, per_kwh: float, zone: tzinfo) -> list[_Row]:
    """Return a table's rows in order of time, their values in kWh."""
    numbers = table.numbers(column)
    for line, number in numbers.items():
        if number < 0:
            raise CsvError("csv_number", line, value=f"{number:g}")
    starts = _instants([(line, _time_of(line)) for line in table.lines], zone)
    ends: dict[int, int] = {}
    if "end" in table.columns:
        given = [(line, line.cells["end"]) for line in table.lines]
        ends = _instants([(line, text) for line, text in given if text], zone)
    return sorted(
        _Row(
            starts[line.number],
            line.number,
            None if (n := numbers.get(line.number)) is None else n / per_kwh,
            ends.get(line.number),
        )
        for line in table.lines
    )


def _time_of(line: Line) -> str:
    """Return when a row begins, as it is written."""
    return " ".join(
        text for name in ("date", "time") if (text := line.cells.get(name, ""))
    )


def _instants(texts: Sequence[tuple[Line, str]], zone: tzinfo) -> dict[int, int]:
    """Return instants in whole Unix seconds by the number of their line.

    A wall time that comes twice is the earlier one, unless that is not after the row before.
    """
    parsed = [(line.number, _parsed(text, line.number)) for line, text in texts]
    wall = [at for _, at in parsed if at.tzinfo is None]
    if wall and wall[0] > wall[-1]:
        parsed.reverse()
    found: dict[int, int] = {}
    before_s: int | None = None
    for line, at in parsed:
        if at.tzinfo is None:
            local = at.replace(tzinfo=zone)
            instant = local.astimezone(UTC)
            if instant.astimezone(zone).replace(tzinfo=None) != at:
                raise CsvError("csv_no_such_time", line, value=at.isoformat(" "))
            at = instant
            if before_s is not None and instant.timestamp() <= before_s:
                at = local.replace(fold=1).astimezone(UTC)
        found[line] = before_s = int(at.timestamp())
    return found


def _parsed(text: str, line: int) -> datetime:
    """Return a time as it is written, without a zone where it does not say one."""
    if unix := _UNIX_S.fullmatch(text):
        at = datetime.fromtimestamp(int(unix[1]), UTC)
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError as err:
            raise CsvError("csv_time", line, value=text) from err
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise CsvError("csv_time", line, value=text)
    return at


def _readings(rows: Sequence[_Row]) -> CsvEnergy:
    """Return what was counted between readings."""
    told: list[_Row] = []
    for row in rows:
        if row.value is None:
            continue
        if told and told[-1].start_s == row.start_s:
            if told[-1].value != row.value:
                raise CsvError("csv_time_twice", max(told[-1].line, row.line))
            continue
        told.append(row)
    if len(told) < 2:
        raise CsvError("csv_one_row", told[0].line if told else 1)
    judged = judge(
        [
            CounterReading(datetime.fromtimestamp(row.start_s, UTC), row.value or 0.0)
            for row in told
        ]
    )
    refused = {int(at.timestamp()) for at in judged.refused}
    lines = [row.line for row in told if row.start_s in refused]
    lines += [row.line for row in told[len(judged.counted) :]]
    answers: list[Answer] = []
    last = 0
    for index in range(1, len(judged.counted)):
        if told[index].start_s in refused:
            if judged.shown[index] == judged.shown[index - 1]:
                # Noise says nothing; what came after it counts on from before it.
                continue
        else:
            energy, before = (
                round(judged.counted[each] * UNITS_PER_KWH) for each in (index, last)
            )
            answers.append(
                Answer(told[last].start_s, told[index].start_s, energy - before)
            )
        last = index
    return CsvEnergy(tuple(answers), tuple(sorted(lines)))


def _energies(rows: Sequence[_Row], zone: tzinfo) -> CsvEnergy:
    """Return what was used in the time of each row."""
    for before, row in pairwise(rows):
        if before.start_s == row.start_s:
            raise CsvError("csv_time_twice", max(before.line, row.line))
    answers: list[Answer] = []
    for row, end_s in zip(rows, _ends(rows, zone), strict=True):
        if end_s <= row.start_s:
            raise CsvError("csv_end", row.line)
        if answers and row.start_s < answers[-1].end_s:
            raise CsvError("csv_overlap", row.line)
        energy = None
        if row.value is not None:
            if row.value > MAX_POWER / 1000 * (end_s - row.start_s) / 3600:
                raise CsvError("csv_too_much", row.line, value=f"{row.value:g}")
            energy = round(row.value * UNITS_PER_KWH)
        answers.append(Answer(row.start_s, end_s, energy))
    return CsvEnergy(tuple(answer for answer in answers if answer.energy is not None))


def _ends(rows: Sequence[_Row], zone: tzinfo) -> Iterator[int]:
    """Yield when each row is over."""
    starts = [row.start_s for row in rows]
    usual = _spacing(starts, zone) if len(rows) > 1 else None
    for row, following_s in zip_longest(rows, starts[1:]):
        if row.end_s is not None:
            yield row.end_s
            continue
        if usual is None:
            raise CsvError("csv_one_row", row.line)
        end_s = usual.after(row.start_s)
        if following_s is not None and (
            following_s - row.start_s <= LATER_THAN_USUAL * (end_s - row.start_s)
        ):
            end_s = following_s
        yield end_s


@dataclass(frozen=True, slots=True)
class _Spacing:
    """The usual time from row to row: in seconds, or days or a month of a zone's calendar."""

    length: timedelta
    zone: tzinfo | None = None
    monthly: bool = False

    def after(self, start_s: int) -> int:
        """Return the instant that follows so long after another, in Unix seconds."""
        start = datetime.fromtimestamp(start_s, UTC)
        if self.zone is None:
            return int((start + self.length).timestamp())
        local = start.astimezone(self.zone)
        if not self.monthly:
            return int((local + self.length).timestamp())
        month = local.month % 12 + 1
        last = monthrange(local.year + (month == 1), month)[1]
        following = local.replace(
            year=local.year + (month == 1), month=month, day=min(local.day, last)
        )
        return int(following.timestamp())


def _spacing(starts: Sequence[int], zone: tzinfo) -> _Spacing:
    """Return the usual spacing of instants: their median, as days or a month if it is."""
    wall = [
        datetime.fromtimestamp(start_s, UTC).astimezone(zone).replace(tzinfo=None)
        for start_s in starts
    ]
    gaps = sorted(after - before for before, after in pairwise(wall))
    usual = gaps[len(gaps) // 2]
    days = usual // DAY
    if 28 <= days <= 31 and len({(at.day, at.time()) for at in wall}) == 1:
        return _Spacing(usual, zone, monthly=True)
    if days and not usual % DAY:
        return _Spacing(usual, zone)
    seconds = sorted(after - before for before, after in pairwise(starts))
    return _Spacing(timedelta(seconds=seconds[len(seconds) // 2]))
