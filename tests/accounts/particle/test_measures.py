"""What a number of a board stands for."""

from datetime import UTC, datetime
from math import isfinite

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.accounts.particle.deadbands import quantity_moved
from custom_components.energy_homes.accounts.particle.measures import (
    READY_MADE,
    BoardConfig,
    Measure,
    meter_measure,
    ready_made,
)
from custom_components.energy_homes.metering.model import CounterReading, PowerReading
from custom_components.energy_homes.sensing.model import UNITS, Quantity

AT = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
NUMBERS = st.floats(-1e6, 1e6)
MEASURES = st.builds(
    Measure,
    quantity=st.sampled_from(Quantity),
    event=st.none() | st.text(min_size=1, max_size=8),
    variable=st.none() | st.text(min_size=1, max_size=8),
    name=st.none() | st.text(max_size=8),
    noise_floor=st.floats(0, 100),
    scale=NUMBERS,
    offset=NUMBERS,
    power_factor=st.floats(0, 1),
    assumed_voltage=st.none() | st.floats(1, 400),
    voltage=st.none() | st.floats(1, 400),
    pulses_per_kwh=st.none() | st.floats(1, 10_000),
)


@pytest.mark.parametrize(
    ("measure", "raw", "value"),
    [
        (Measure(quantity=Quantity.POWER), 5.5, 5.5),
        (Measure(quantity=Quantity.POWER), 0.0, 0.0),
        (Measure(quantity=Quantity.POWER, noise_floor=5.5), 6.5, 1.0),
        (Measure(quantity=Quantity.POWER, noise_floor=5.5), 5.0, 0.0),
        (Measure(quantity=Quantity.POWER, noise_floor=5.5), -10.5, -5.0),
        (Measure(quantity=Quantity.ENERGY, scale=0.001), 1500.0, 1.5),
        (
            Measure(quantity=Quantity.TEMPERATURE, scale=5 / 9, offset=-160 / 9),
            212,
            100,
        ),
        (
            # 345 VA at an assumed 120 V, of which 5.5 are noise, are 1.2 times as many
            # at 144 V, and half of them are power.
            Measure(
                quantity=Quantity.POWER,
                noise_floor=5.5,
                power_factor=0.5,
                assumed_voltage=120.0,
                voltage=144.0,
            ),
            345.5,
            204.0,
        ),
        (Measure(quantity=Quantity.POWER, voltage=240.0), 10.0, 10.0),
        (Measure(quantity=Quantity.NUMBER, scale=1e308), 1e10, None),
    ],
)
def test_a_number_has_a_value(
    measure: Measure, raw: float, value: float | None
) -> None:
    """The noise goes first, then the factors apply, then the offset."""
    assert measure.value(raw) == (None if value is None else pytest.approx(value))


@given(measure=MEASURES, raw=st.floats(allow_nan=False, allow_infinity=False))
def test_a_value_is_finite(measure: Measure, raw: float) -> None:
    """Whatever is sent is a finite value or none, and a reading or none."""
    value = measure.value(raw)
    assert value is None or isfinite(value)
    reading = measure.reading(raw, AT)
    assert reading is None or reading.at == AT


@given(measure=MEASURES)
def test_a_measure_is_stored(measure: Measure) -> None:
    """A board is what it was after it was stored."""
    config = BoardConfig(board_id="b", measures=(measure,))
    assert BoardConfig.from_data(config.as_data()) == config


@pytest.mark.parametrize(
    ("measure", "raw", "reading"),
    [
        (Measure(quantity=Quantity.POWER), -5.0, PowerReading(AT, -5.0)),
        (Measure(quantity=Quantity.ENERGY), 0.0, CounterReading(AT, 0.0)),
        (Measure(quantity=Quantity.ENERGY), -1.0, None),
        (
            Measure(quantity=Quantity.PULSES, pulses_per_kwh=1000.0),
            500.0,
            CounterReading(AT, 0.5),
        ),
        (Measure(quantity=Quantity.PULSES), 500.0, None),
        (Measure(quantity=Quantity.PULSES, pulses_per_kwh=1000.0), -1.0, None),
        (Measure(quantity=Quantity.CURRENT), 5.0, None),
        (Measure(quantity=Quantity.POWER, scale=1e308), 1e10, None),
    ],
)
def test_what_a_meter_says(
    measure: Measure, raw: float, reading: PowerReading | CounterReading | None
) -> None:
    """Powers may be negative, counters not; nothing else is a meter's."""
    assert measure.reading(raw, AT) == reading


def test_known_events_are_ready_made() -> None:
    """Those of the p2penergy project, old and new names; others are not guessed."""
    new = ready_made(
        ["power", "rms_current", "rms_voltage", "spark/status", "powerfail"]
    )
    assert [(m.key, m.quantity) for m in new] == [
        ("power", Quantity.POWER),
        ("rms_current", Quantity.CURRENT),
        ("rms_voltage", Quantity.VOLTAGE),
    ]
    old = ready_made(["RMS Voltage", "RMS Current", "Apparent Power"])
    assert {m.quantity for m in old} == {m.quantity for m in new}
    battery = ready_made(["P2P_State_of_Charge"])
    assert [(m.key, m.variable) for m in battery] == [("P2P_State_of_Charge", "SoC")]
    assert len({measure.key for measure in READY_MADE}) == len(READY_MADE)


def test_the_first_that_can_makes_a_meter() -> None:
    """A current alone does not; of two powers it is the first."""
    current = Measure(event="i", quantity=Quantity.CURRENT)
    one = Measure(variable="a", quantity=Quantity.ENERGY)
    other = Measure(event="b", quantity=Quantity.POWER)
    assert meter_measure([current]) is None
    assert meter_measure([current, one, other]) is one
    assert (one.key, other.key) == ("a", "b")
    assert Measure(quantity=Quantity.NUMBER).key == ""


@pytest.mark.parametrize(
    ("quantity", "shown", "least"),
    [
        (Quantity.POWER, 100, 20),
        (Quantity.POWER, 1000, 100),
        (Quantity.ENERGY, 1000, 0.1),
        (Quantity.PULSES, 9000, 100),
        (Quantity.CURRENT, 1, 0.2),
        (Quantity.CURRENT, 10, 1),
        (Quantity.VOLTAGE, 230, 5),
        (Quantity.TEMPERATURE, 20, 0.5),
        (Quantity.HUMIDITY, 50, 3),
        (Quantity.PERCENTAGE, 50, 3),
        (Quantity.NUMBER, 10, 1),
    ],
)
def test_what_moves_little_can_wait(
    quantity: Quantity, shown: float, least: float
) -> None:
    """A value is shown at once where it is further away than its quantity's deadband."""
    for way in (-1, 1):
        assert not quantity_moved(quantity, shown, shown + way * 0.99 * least)
        assert quantity_moved(quantity, shown, shown + way * 1.01 * least)


@pytest.mark.parametrize("quantity", Quantity)
def test_every_quantity_has_a_deadband(quantity: Quantity) -> None:
    """Something new is shown at once, the same again never."""
    assert quantity_moved(quantity, None, 1.0)
    assert not quantity_moved(quantity, 1.0, 1.0)
    assert quantity_moved(quantity, 1.0, 1e6)
    assert quantity in UNITS
