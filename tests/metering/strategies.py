"""Hypothesis strategies for what meters say."""

from itertools import accumulate

from hypothesis import strategies as st

from custom_components.energy_homes.metering.model import CounterReading, PowerReading

from .reference import at

WATTS = st.one_of(
    st.integers(-4_000, 12_000).map(float), st.floats(-1e5, 1e5, allow_nan=False)
)

# Whole quarter seconds, so that readings often fall on the bounds of slots.
USUAL_GAPS = st.sampled_from([0.25, 7.5, 28.75, 30.0, 30.0, 30.0, 31.25, 60.0, 75.0])
ANY_GAPS = st.one_of(
    USUAL_GAPS, USUAL_GAPS, st.sampled_from([75.25, 150.0, 300.0, 900.0, 4000.0])
)


def _stamps(gaps: list[float]) -> list[float]:
    """Return stamps in seconds from the gaps between them."""
    return list(accumulate(gaps, initial=0.0))


def power_readings(
    gaps: st.SearchStrategy[float] = ANY_GAPS, *, least: int = 1
) -> st.SearchStrategy[list[PowerReading]]:
    """Return a strategy for powers in the order of their stamps."""

    @st.composite
    def build(draw: st.DrawFn) -> list[PowerReading]:
        """Draw stamps and powers."""
        begin = draw(st.integers(0, 1200)) / 4
        stamps = _stamps(draw(st.lists(gaps, min_size=least, max_size=60)))
        return [PowerReading(at(begin + s), draw(WATTS)) for s in stamps]

    return build()


STEPS = st.one_of(
    st.just(0.0), st.floats(0, 0.5), st.floats(0, 0.01), st.sampled_from([-1e-4, -0.02])
)


ODD = st.one_of(st.just(0.0), st.sampled_from([*[0.0] * 20, -1.0, -0.5, 0.2, 9.0]))


def counter_readings(
    gaps: st.SearchStrategy[float] = ANY_GAPS, *, resets: bool = True, least: int = 1
) -> st.SearchStrategy[list[CounterReading]]:
    """Return a strategy for a counter with noise; with resets, dips and jumps if asked."""

    @st.composite
    def build(draw: st.DrawFn) -> list[CounterReading]:
        """Draw stamps and what the counter shows."""
        begin = draw(st.integers(0, 1200)) / 4
        stamps = _stamps(draw(st.lists(gaps, min_size=least, max_size=60)))
        # From 20 kWh on sixty steps of noise do not add up to a reset.
        shown = draw(st.floats(0 if resets else 20, 90_000))
        readings = []
        for stamp in stamps:
            if resets and draw(st.integers(0, 30)) == 0:
                shown = draw(st.floats(0, 0.2))
            shown = max(shown + draw(STEPS), 0.0)
            odd = draw(ODD) if resets else 0.0
            readings.append(CounterReading(at(begin + stamp), abs(shown * (1 + odd))))
        return readings

    return build()
