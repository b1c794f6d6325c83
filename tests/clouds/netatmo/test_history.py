"""A room's history as Netatmo tells it, read as answers for slots."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.clouds.errors import CloudNonsenseError
from custom_components.energy_homes.clouds.netatmo import parse
from custom_components.energy_homes.clouds.netatmo.history import room_answers
from custom_components.energy_homes.clouds.netatmo.models import MeasurePoint
from custom_components.energy_homes.metering.room_history import (
    HALF_HOUR_S,
    RoomAnswer,
    RoomCall,
)

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
NOON_S = int(NOON.timestamp())
CALL = RoomCall(NOON_S, NOON_S + 4 * HALF_HOUR_S, HALF_HOUR_S)


def point(number: float, *values: float | None) -> MeasurePoint:
    """Return the values of the half hour with a number."""
    return MeasurePoint(NOON + number * timedelta(seconds=HALF_HOUR_S), values)


def told(number: int, mean: float, low: float, high: float) -> RoomAnswer:
    """Return what is known of the half hour with a number."""
    start_s = NOON_S + number * HALF_HOUR_S
    return RoomAnswer(start_s, start_s + HALF_HOUR_S, mean, low, high)


@pytest.mark.parametrize(
    "body",
    [
        [
            {"beg_time": NOON_S, "step_time": 1800, "value": [[19.4, 19.1, 19.8]]},
            {"beg_time": NOON_S + 5400, "value": [[20, 20, 20.3]]},
        ],
        {
            str(NOON_S): [19.4, 19.1, 19.8],
            str(NOON_S + 1800): [None, None, None],
            str(NOON_S + 5400): [20, 20, 20.3],
        },
    ],
)
def test_both_shapes(body: object) -> None:
    """Buckets that are not there, or null, are not known."""
    points = parse.measure({"body": body})
    assert room_answers(points, CALL) == [
        told(0, 19.4, 19.1, 19.8),
        told(3, 20.0, 20.0, 20.3),
    ]


def test_no_history() -> None:
    """Nothing is known of nothing, and that is no nonsense."""
    assert room_answers([], CALL) == []
    assert room_answers([point(0, None, None, None), point(1)], CALL) == []


def test_a_mean_alone_is_lowest_and_highest_as_well() -> None:
    """A thermostat may tell no lowest and highest temperature; 0 °C is one."""
    answers = room_answers([point(0, 0.0), point(1, 5, None, 6), point(2, 5, 4)], CALL)
    assert answers == [told(0, 0, 0, 0), told(1, 5, 5, 6), told(2, 5, 4, 5)]


def test_what_rounding_does_is_no_contradiction() -> None:
    """A mean that was rounded beyond the lowest or highest is one of them."""
    answers = room_answers([point(0, 19.1, 19.2, 19.3), point(1, 20.0, 19, 19.9)], CALL)
    assert answers == [told(0, 19.1, 19.1, 19.3), told(1, 20.0, 19, 20.0)]


@pytest.mark.parametrize(
    "values",
    [
        (19.0, 20.0, 21.0),
        (22.0, 20.0, 21.0),
        (20.0, 21.0, 19.0),
        (20.0, 20.0, 300.0),
        (200.0,),
        (-99.0, -99.0, -99.0),
    ],
)
def test_nonsense(values: tuple[float, ...]) -> None:
    """A bucket that cannot be is not known; where there is no other, all is nonsense."""
    bad = point(1, *values)
    assert room_answers([point(0, 19, 19, 19), bad], CALL) == [told(0, 19, 19, 19)]
    with pytest.raises(CloudNonsenseError, match="no room"):
        room_answers([point(0, None), bad], CALL)


def test_stamps_of_other_buckets() -> None:
    """Stamps in the middle would move the past by a quarter of an hour."""
    with pytest.raises(CloudNonsenseError, match="other spans"):
        room_answers([point(0.5, 19, 19, 19)], CALL)
    outside = [point(-1, 19, 19, 19), point(4, 19, 19, 19)]
    assert room_answers(outside, CALL) == []


values = st.none() | st.floats(-1000, 1000, allow_nan=False)


@given(st.lists(st.tuples(st.integers(-2, 6), st.lists(values, max_size=4))))
def test_answers_are_in_order_and_within_the_call(
    told: list[tuple[int, list[float | None]]],
) -> None:
    """Whatever is told: what is taken can be a room's."""
    points = [point(number, *some) for number, some in told]
    try:
        answers = room_answers(points, CALL)
    except CloudNonsenseError:
        return
    for one in answers:
        assert CALL.start_s <= one.start_s < one.end_s <= CALL.end_s
        assert -60 <= one.low <= one.mean <= one.high <= 100
