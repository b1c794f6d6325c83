"""Batteries in percent, by the vendor's thresholds."""

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.heating.netatmo.battery import battery_percent

WITH_BATTERIES = st.sampled_from(["NATherm1", "OTM", "NRV"])
STATES = ("very_low", "low", "medium", "high", "full")


@pytest.mark.parametrize(
    ("kind", "millivolts", "percent"),
    [
        # The vendor itself called 3798 mV of a thermostat 53 %.
        ("NATherm1", 3798, 53),
        ("NATherm1", 4500, 100),
        ("NATherm1", 4700, 100),
        ("NATherm1", 3000, 0),
        ("NATherm1", 0, 0),
        ("OTM", 4176, 78),
        ("NRV", 3200, 100),
        ("NRV", 3025, 82),
        ("NRV", 2200, 0),
        ("NAPlug", 4000, None),
        ("BNS", 4000, None),
        ("NRV", None, None),
    ],
)
def test_percent(kind: str, millivolts: int | None, percent: int | None) -> None:
    """Each kind of module has its own range; mains have none."""
    assert battery_percent(kind, millivolts) == percent


@given(WITH_BATTERIES, st.integers(0, 10_000), st.integers(0, 10_000))
def test_more_voltage_is_never_less_charge(kind: str, one: int, other: int) -> None:
    """The percentage is within 0 ... 100 and rises with the voltage."""
    low, high = (battery_percent(kind, mv) for mv in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= 100


@pytest.mark.parametrize("kind", ["NATherm1", "OTM", "NRV"])
def test_a_state_alone(kind: str) -> None:
    """Where only a state is reported, better states are more; an unknown one is nothing."""
    charges = [battery_percent(kind, None, state) or 0 for state in STATES]
    assert charges == sorted(charges)
    assert len(set(charges)) == len(charges)
    assert battery_percent(kind, None, "max") is None
    assert battery_percent(kind, 10_000, "very_low") == 100
