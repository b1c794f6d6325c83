"""Rows of long-term statistics become answers."""

from custom_components.energy_homes.metering.gap_fill import Answer
from custom_components.energy_homes.metering.statistic_answers import (
    finest,
    mean_answers,
    sum_answers,
)

KWH = 1_000_000_000
H = 3600


def test_sums_are_differences() -> None:
    """A missing hour is one answer with the next; a sum that was set says nothing."""
    rows = {0: 5.0, H: 6.5, 3 * H: 7.0, 4 * H: 6.0, 5 * H: 1006.5, 6 * H: 9999.0}
    assert sum_answers(rows, H) == [
        Answer(H, 2 * H, 3 * KWH // 2),
        Answer(2 * H, 4 * H, KWH // 2),
    ]
    assert sum_answers({0: 5.0}, H) == sum_answers({}, H, from_zero=True) == []
    assert sum_answers({0: 5.0, H: 5.0}, H, from_zero=True) == [
        Answer(0, H, 5 * KWH),
        Answer(H, 2 * H, 0),
    ]


def test_means_are_powers_that_held() -> None:
    """Of an hour or five minutes; what flowed out on balance was returned."""
    assert mean_answers({0: 600.0, H: -60.0, 2 * H: 1e9, 3 * H: -1e9}, H) == [
        Answer(0, H, 600_000_000),
        Answer(H, 2 * H, 0, 60_000_000),
    ]
    assert mean_answers({0: 1200.0}, 300) == [Answer(0, 300, 100_000_000)]


def test_the_finest_are_taken() -> None:
    """An hour of which five minutes are missing is told both ways."""
    hours = [Answer(n * H, (n + 1) * H, KWH) for n in range(5)]
    short = [
        Answer(start, start + 300, 1)
        for start in range(H // 2, 4 * H, 300)
        if start != 2 * H + 600
    ]
    found = finest(hours, reversed(short))
    assert [one for one in found if one in hours] == [hours[0], hours[2], hours[4]]
    assert [one for one in found if one not in hours] == short
    assert finest(hours, []) == hours
    assert finest([], short) == short
