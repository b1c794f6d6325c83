"""When a value has moved far enough to be shown at once."""

import pytest

from custom_components.energy_homes.metering.deadband import moved, power_moved


@pytest.mark.parametrize(
    ("shown", "power", "result"),
    [
        (None, None, False),
        (None, 0.0, True),
        (0.0, None, True),
        (0.0, 0.0, False),
        (0.0, 20.0, False),
        (0.0, 20.5, True),
        (100.0, 80.0, False),
        (100.0, 75.0, True),
        (1000.0, 1100.0, False),
        (1000.0, 1101.0, True),
        (-1000.0, -900.0, False),
        (-1000.0, 1000.0, True),
    ],
)
def test_a_power_moves(shown: float | None, power: float | None, result: bool) -> None:
    """By more than 20 W and more than a tenth, or by coming or going."""
    assert power_moved(shown, power) is result


def test_without_a_share_it_is_the_least() -> None:
    """A value that has only one limit moves beyond that."""
    assert moved(1000.0, 1001.0, 0.5)
    assert not moved(1000.0, 1000.5, 0.5)
