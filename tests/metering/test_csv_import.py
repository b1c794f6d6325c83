"""CSV files of what a meter counted, as people get them from suppliers and spreadsheets."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.csv_import import CsvEnergy, read_energy
from custom_components.energy_homes.metering.csv_table import CsvError
from custom_components.energy_homes.metering.gap_fill import Answer

LONDON = ZoneInfo("Europe/London")
KWH = 1_000_000_000


def told(text: str, zone: ZoneInfo = LONDON) -> list[tuple[str, str, Any]]:
    """Return what a file tells: from when to when (UTC), and how many kWh."""
    return [
        (
            f"{datetime.fromtimestamp(answer.start_s, UTC):%m-%d %H:%M}",
            f"{datetime.fromtimestamp(answer.end_s, UTC):%m-%d %H:%M}",
            (answer.energy or 0) / KWH,
        )
        for answer in read_energy(text, zone).answers
    ]


def refusal(text: str, zone: ZoneInfo = LONDON) -> tuple[str, int]:
    """Return why a file is refused, and for which line."""
    with pytest.raises(CsvError) as caught:
        read_energy(text, zone)
    error = caught.value
    assert error.placeholders["line"] == str(error.line)
    assert str(error) == f"{error.key} in line {error.line}"
    return error.key, error.line


READ = [("11-17 10:07", "11-17 11:02", 1.25), ("11-17 11:02", "11-17 12:00", 0.5)]


@pytest.mark.parametrize(
    "text",
    [
        "time,reading\n2026-11-17 10:07,100\n2026-11-17 11:02,101.25\n2026-11-17 12:00,101.75",
        """\ufeffTime;Reading (kWh);Note\r
2026-11-17T10:07;100,00;a, b\r
2026-11-17T11:02;101,25;\r
\r
;;\r
2026-11-17T12:00;101,75;\r
""",
        """reading_wh\tSTART
100000\t2026-11-17T10:07Z
101250\t2026-11-17T12:02+01:00
101750\t20261117T120000""",
        """Date,Time,Reading [MWh]
2026-11-17,12:00,0.10175
2026-11-17,10:07,0.1
2026-11-17,11:02,"0.10125"
2026-11-17,11:30,
2026-11-17,12:00,.10175""",
        "timestamp;reading\n1794910020;1.100,00\n1794913320.5;1.101,25\n1794916800;1.101,75",
        "timestamp;reading\n1794910020;1 100\n1794913320;1,101.25\n1794916800;1,101.75\n",
    ],
    ids=["plain", "semicolon", "tab", "backwards", "unix", "thousands"],
)
def test_readings_in_many_shapes(text: str) -> None:
    """The difference of two readings is what was used between them."""
    assert told(text) == [(a, b, pytest.approx(kwh)) for a, b, kwh in READ]


def test_thousands_without_decimals() -> None:
    """A mark that a number has twice groups thousands, also in the numbers that have it once."""
    text = "time;reading\n2026-11-17 10:07;999.999\n2026-11-17 11:02;1.000.001"
    assert told(text) == [("11-17 10:07", "11-17 11:02", 2.0)]


def test_counter_that_is_reset_or_swapped_counts_from_zero() -> None:
    """A fall that the next reading confirms is a reset; one that it does not is noise."""
    text = "time,reading\n" + "".join(
        f"2026-11-{day:02},{reading}\n"
        for day, reading in enumerate(
            (500.0, 510.0, 3.0, 12.5, 1.0, 13.5, 13.4, 14.5, 0.5), 1
        )
    )
    found = read_energy(text, LONDON)
    assert [(answer.energy or 0) / KWH for answer in found.answers] == [
        *(10.0, 3.0, 9.5, 1.0, 0.0, 1.0)
    ]
    # The noise, and the last one, which nothing confirms.
    assert found.refused == (6, 10)
    noise = found.answers[3]
    assert noise.end_s - noise.start_s == 2 * 86_400


def test_what_no_home_can_use_between_two_readings_is_not_known() -> None:
    """Another dial that shows more than was possible: the time up to it stays unknown."""
    text = (
        "time,reading\n2026-11-17 10:00,10\n2026-11-17 10:30,11\n"
        "2026-11-17 11:00,90000\n2026-11-17 11:30,90001\n"
    )
    found = read_energy(text, LONDON)
    assert told(text) == [
        ("11-17 10:00", "11-17 10:30", 1.0),
        ("11-17 11:00", "11-17 11:30", 1.0),
    ]
    assert found.refused == (4,)


def test_energies_last_until_the_next_row_or_as_long_as_usual() -> None:
    """A row that is missing is not filled by the one before it; an empty one is unknown."""
    text = (
        "start;kWh\n2026-11-17 00:00;0,5\n2026-11-17 00:30;0\n2026-11-17 01:00;\n"
        "2026-11-17 01:30;0,25\n2026-11-17 03:00;1\n"
    )
    assert told(text) == [
        ("11-17 00:00", "11-17 00:30", 0.5),
        ("11-17 00:30", "11-17 01:00", 0.0),
        ("11-17 01:30", "11-17 02:00", 0.25),
        ("11-17 03:00", "11-17 03:30", 1.0),
    ]


def test_energies_with_an_end() -> None:
    """An end is taken as it is, where it is given."""
    text = (
        "start,end,energy_wh\n2026-11-17 00:00,2026-11-17 00:15,500\n"
        "2026-11-17 01:00,,250\n2026-11-17 02:00,2026-11-17 02:20,750\n"
    )
    assert told(text) == [
        ("11-17 00:00", "11-17 00:15", 0.5),
        ("11-17 01:00", "11-17 02:00", 0.25),
        ("11-17 02:00", "11-17 02:20", 0.75),
    ]
    assert told("time,end,wh\n2026-11-17 00:00,2026-11-18,1") == [
        ("11-17 00:00", "11-18 00:00", 0.001)
    ]


def test_days_and_months_are_those_of_the_calendar() -> None:
    """Also the last one, and where the clock changes: a day then has 23 or 25 hours."""
    days = "date,kwh\n2026-10-23,1\n2026-10-24,2\n2026-10-25,3\n"
    assert told(days)[1:] == [
        ("10-23 23:00", "10-24 23:00", 2.0),
        ("10-24 23:00", "10-26 00:00", 3.0),
    ]
    months = "date,energy\n2025-12-01,310\n2026-01-01,300\n2026-02-01,280\n"
    assert told(months) == [
        ("12-01 00:00", "01-01 00:00", 310.0),
        ("01-01 00:00", "02-01 00:00", 300.0),
        ("02-01 00:00", "03-01 00:00", 280.0),
    ]
    assert told("date,energy\n2026-11-30,1\n2026-12-30,2\n")[1][:2] == (
        *("12-30 00:00", "01-30 00:00"),
    )
    assert told("date,energy\n2026-12-31,1\n2027-01-31,2\n")[1][:2] == (
        *("01-31 00:00", "02-28 00:00"),
    )
    thirties = "date,energy\n2026-01-05,1\n2026-02-04,1\n"
    assert told(thirties)[1] == ("02-04 00:00", "03-06 00:00", 1.0)


AUTUMN = ["00:30", "01:00", "01:30", "01:00", "01:30", "02:00"]


@pytest.mark.parametrize("step", [1, -1], ids=["upwards", "downwards"])
def test_hour_that_comes_twice(step: int) -> None:
    """The first of two equal wall times is the earlier one; all energy is there once."""
    lines = [f"2026-10-25 {time},{n}" for n, time in enumerate(AUTUMN, 1)]
    assert told("\n".join(["time,kwh", *lines[::step]])) == [
        (f"10-24 {23 + n // 2:02}:{30 * (n % 2):02}", end, float(n))
        for n, end in ((1, "10-25 00:00"),)
    ] + [
        (
            f"10-25 {(n - 2) // 2:02}:{30 * (n % 2):02}",
            f"10-25 {(n - 1) // 2:02}:{30 * ((n + 1) % 2):02}",
            float(n),
        )
        for n in range(2, 7)
    ]


def test_hour_that_does_not_come() -> None:
    """A wall time that the clock leaves out says that the file is of another zone."""
    text = "time,kwh\n2026-03-29 00:30,1\n2026-03-29 01:00,1\n2026-03-29 01:30,1"
    assert refusal(text) == ("csv_no_such_time", 3)
    assert len(told(text, ZoneInfo("Africa/Lagos"))) == 3


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("", "csv_empty", 1),
        (" \n,\n", "csv_columns", 2),
        ("time,reading\n", "csv_empty", 1),
        ("\n2026-11-17,5\n2026-11-18,6", "csv_columns", 2),
        ("time,wert\n2026-11-17,5", "csv_columns", 1),
        ("reading,kwh\n5,5", "csv_columns", 1),
        ("time,kwh,energy\n2026-11-17,5,5", "csv_columns", 1),
        ("time,start,kwh\n2026-11-17,2026-11-17,5", "csv_columns", 1),
        ("end,kwh\n2026-11-17,5", "csv_columns", 1),
        ("time,kwh\n2026-11-17,5\n2026-11-18", "csv_cells", 3),
        ("time,kwh\n2026-11-17,5\n2026-11-18,5,5", "csv_cells", 3),
        ('time,kwh\n2026-11-17,5\n2026-11-18,"5"x', "csv_cells", 3),
        ("time,kwh\n17/11/2026,5\n", "csv_time", 2),
        ("time,kwh\n,5\n", "csv_time", 2),
        ("time,kwh\n1794910020000,5\n", "csv_time", 2),
        ("time,kwh\n1899-12-30,5\n", "csv_time", 2),
        ("time,kwh\n9999999999,5\n", "csv_time", 2),
        ("time,kwh\n2026-11-17,five\n", "csv_number", 2),
        ("time,kwh\n2026-11-17,5 kWh\n", "csv_number", 2),
        ("time,kwh\n2026-11-17,5\n2026-11-18,-5\n", "csv_number", 3),
        ("time,kwh\n2026-11-17,nan\n", "csv_number", 2),
        ("time,kwh\n2026-11-17,٣\n", "csv_number", 2),
        ("time;kwh\n2026-11-17;1,5\n2026-11-18;1.5\n", "csv_number", 2),
        ("time;kwh\n2026-11-17;1.23,5\n", "csv_number", 2),
        ("time;kwh\n2026-11-17;1.000,5\n2026-11-18;12.34\n", "csv_number", 3),
        ("time,reading\n2026-11-17,5\n2026-11-17,6\n", "csv_time_twice", 3),
        ("time,kwh\n2026-11-17,5\n2026-11-17,5\n", "csv_time_twice", 3),
        ("time,end,kwh\n2026-11-17,2026-11-17,5\n", "csv_end", 2),
        (
            "time,end,kwh\n2026-11-17,2026-11-19,5\n2026-11-18,2026-11-19,5",
            "csv_overlap",
            3,
        ),
        ("time,kwh\n2026-11-17,5\n2026-11-18,24001\n", "csv_too_much", 3),
        ("time,kwh\n2026-11-17,5\n", "csv_one_row", 2),
        ("time,reading\n2026-11-17,5\n", "csv_one_row", 2),
        ("time,reading\n2026-11-17,\n", "csv_one_row", 1),
    ],
)
def test_files_that_are_refused(text: str, key: str, line: int) -> None:
    """What cannot be read as it was meant says which line, and nothing of it counts."""
    assert refusal(text) == (key, line)


@given(
    st.lists(
        st.tuples(st.integers(60, 90_000), st.integers(0, 10**6)),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from([(";", ","), (",", "."), ("\t", ","), ("\t", ".")]),
    st.booleans(),
)
def test_readings_written_are_energies_read(
    steps: list[tuple[int, int]], shape: tuple[str, str], unix: bool
) -> None:
    """Whatever the shape of the file, what a dial shows in Wh comes back to the last one."""
    delimiter, mark = shape
    at, reading = datetime(2026, 10, 24, 12, tzinfo=UTC), 5_000_000
    rows = [(at, reading)]
    expected = []
    for gap_s, used in steps:
        # A home's supply carries 100 kW at most.
        used = min(used, 100 * gap_s // 4)
        start, at, reading = at, at + timedelta(seconds=gap_s), reading + used
        rows.append((at, reading))
        expected.append(
            Answer(int(start.timestamp()), int(at.timestamp()), used * KWH // 1000)
        )
    lines = [f"time{delimiter}reading"] + [
        f"{int(at.timestamp()) if unix else at.isoformat()}{delimiter}"
        f"{reading // 1000}{mark}{reading % 1000:03}"
        for at, reading in rows
    ]
    assert read_energy("\n".join(lines), LONDON) == CsvEnergy(tuple(expected))
