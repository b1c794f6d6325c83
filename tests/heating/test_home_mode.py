"""What is asked of a whole home."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.energy_homes.heating.home_mode import (
    HomeModeRequest,
    find_schedule,
    home_mode_request,
)
from custom_components.energy_homes.heating.model import HomeMode
from custom_components.energy_homes.heating.netatmo.model import FOREVER
from custom_components.energy_homes.heating.refused import (
    HeatingProblem,
    HeatingRequestError,
)

from .netatmo.homes import COMFORT, schedule

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCHEDULES = (
    schedule((0, COMFORT)),
    schedule((0, COMFORT), name="Spring", selected=False),
    schedule((0, COMFORT), name="Summer", kind="cooling"),
)


def test_modes() -> None:
    """A mode holds until its end, else until further notice."""
    assert home_mode_request("away", now=NOW) == HomeModeRequest(mode=HomeMode.AWAY)
    guarded = home_mode_request("frost_guard", now=NOW, until=NOW + HOUR)
    assert guarded.until == NOW + HOUR
    assert home_mode_request("away", now=NOW, until=FOREVER).until is None
    assert home_mode_request("schedule", now=NOW).schedule_id is None
    for name in ("Spring", "id of Spring"):
        request = home_mode_request(
            "schedule", now=NOW, schedule=name, schedules=SCHEDULES
        )
        assert request.schedule_id == "id of Spring"


@pytest.mark.parametrize(
    ("mode", "until", "name", "problem"),
    [
        ("hg", None, None, HeatingProblem.MODE_UNKNOWN),
        ("away", NOW, None, HeatingProblem.END_PAST),
        ("schedule", NOW + HOUR, None, HeatingProblem.END_UNWANTED),
        ("away", None, "Spring", HeatingProblem.SCHEDULE_UNWANTED),
        ("schedule", None, "Autumn", HeatingProblem.SCHEDULE_UNKNOWN),
    ],
)
def test_refused(
    mode: str, until: datetime | None, name: str | None, problem: HeatingProblem
) -> None:
    """What makes no sense is refused."""
    with pytest.raises(HeatingRequestError) as caught:
        home_mode_request(
            mode, now=NOW, until=until, schedule=name, schedules=SCHEDULES
        )
    assert caught.value.problem is problem


def test_an_unknown_schedule_names_the_choices() -> None:
    """A schedule for cooling is none of them."""
    with pytest.raises(HeatingRequestError) as caught:
        find_schedule("Summer", SCHEDULES)
    assert caught.value.placeholders == {
        "schedule": "Summer",
        "choices": "Winter, Spring",
    }
