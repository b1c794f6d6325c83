"""A table in CSV as people get it: which delimiter, which columns, which decimal mark.

The first line names the columns. Delimiters are semicolon, tab and comma, whichever makes
more of the first line known; a byte order mark, blanks around names, and columns that nobody
asked for do no harm. Numbers have a decimal point or a decimal comma, the whole table the
same one; what groups thousands may be the other one, or a blank.
"""

from collections.abc import Iterable, Mapping
import csv
from dataclasses import dataclass
import io
import re
from typing import Final, override

DELIMITERS: Final = (";", "\t", ",")

_NUMBER: Final = re.compile(r"[+-]?(\d+,?\d*|,\d+)", re.ASCII)
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}( \d{3})+", re.ASCII)


class CsvError(Exception):
    """A file that cannot be read as it was meant; nothing of it counts.

    `key` names the message, `line` is the number of the line in the file, from 1 on, and
    `placeholders` are further words of the message.
    """

    def __init__(self, key: str, line: int, **placeholders: str) -> None:
        """Keep what the message needs."""
        super().__init__(key, line, placeholders)
        self.key = key
        self.line = line
        self.placeholders = {"line": str(line), **placeholders}

    @override
    def __str__(self) -> str:
        """Return the message's key and line, for a log."""
        return f"{self.key} in line {self.line}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not empty: its number in the file, and its cells by column."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The lines below the first one, with the columns that are known by their usual names."""

    columns: frozenset[str]
    lines: tuple[Line, ...]

    def numbers(self, column: str) -> dict[int, float]:
        """Return the numbers of a column by the number of their line, without empty cells.

        Raises CsvError (`csv_number`) for what is none, or has another decimal mark than
        the rest.
        """
        cells = {
            line.number: text for line in self.lines if (text := line.cells[column])
        }
        mark = _decimal_mark(cells.values())
        return {line: _number(text, mark, line) for line, text in cells.items()}


def read_table(text: str, names: Mapping[str, str]) -> Table:
    """Read a table; `names` has the usual name of each column under all names it may have.

    Raises CsvError: `csv_empty` without a line below the first one, `csv_columns` where no
    name is known or two columns are the same, `csv_cells` where a line has not as many
    cells as it should.
    """
    text = text.removeprefix("\ufeff")
    found: dict[str, list[tuple[int, list[str]]]] = {
        delimiter: _rows(text, delimiter) for delimiter in DELIMITERS
    }
    known = {
        delimiter: [names.get(_plain(name)) for name in rows[0][1]]
        for delimiter, rows in found.items()
        if rows
    }
    if not known:
        raise CsvError("csv_empty", 1)
    delimiter = max(
        known, key=lambda each: sum(name is not None for name in known[each])
    )
    columns = known[delimiter]
    (first, heads), *rows = found[delimiter]
    named = [name for name in columns if name is not None]
    if not named or len(named) > len(set(named)):
        raise CsvError("csv_columns", first, found=", ".join(heads))
    if not rows:
        raise CsvError("csv_empty", first)
    lines = []
    for number, cells in rows:
        if len(cells) < len(columns) or any(cells[len(columns) :]):
            raise CsvError(
                "csv_cells", number, expected=str(len(columns)), found=str(len(cells))
            )
        pairs = zip(columns, cells, strict=False)
        lines.append(Line(number, {name: cell for name, cell in pairs if name}))
    return Table(frozenset(named), tuple(lines))


def _rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the cells of each line that has any, with the line's number."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append((reader.line_num, stripped))
    except csv.Error:
        # With another delimiter it may be right: this one is known as far as it goes.
        rows.append((reader.line_num, []))
    return rows


def _plain(name: str) -> str:
    """Return a column's name in small letters, with one underscore between its words."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def _decimal_mark(texts: Iterable[str]) -> str | None:
    """Return the decimal mark of numbers; None where they do not agree on one.

    It is the last mark of a number that has both, not the one that a number has twice, and
    else the only one that there is.
    """
    seen: set[str] = set()
    for text in texts:
        marks = [one for one in text if one in ".,"]
        if len(marks) > 1:
            return _other(marks[-1]) if marks[0] == marks[-1] else marks[-1]
        seen.update(marks)
    return (seen or {"."}).pop() if len(seen) < 2 else None


def _other(mark: str) -> str:
    """Return the mark that groups thousands where this one is decimal."""
    return "," if mark == "." else "."


def _number(text: str, mark: str | None, line: int) -> float:
    """Return a number that has this decimal mark. Raises CsvError."""
    if mark is not None:
        whole, _, fraction = re.sub(r"\s", " ", text).partition(mark)
        if _GROUPED.fullmatch(grouped := whole.replace(_other(mark), " ")):
            whole = grouped.replace(" ", "")
        if _NUMBER.fullmatch(f"{whole},{fraction}"):
            return float(f"{whole}.{fraction}")
    raise CsvError("csv_number", line, value=text)
