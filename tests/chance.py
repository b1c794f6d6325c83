"""What chance is in a run of the tests: nothing fails by it, unless it is looked for.

The gate asks the same of every run. An exploring run (`--explore`) draws new examples, ten
times as many; what fails there is to become a test. `--chance` says what the product draws.
"""

from collections.abc import Callable
from itertools import count
import math
from random import Random
from typing import Final, override

from homeassistant.core import HomeAssistant
from hypothesis import settings
import pytest

GATE: Final = "gate"
EXPLORE: Final = "explore"
EXPLORED: Final = 10
"""So many times as many examples are drawn in an exploring run."""

# A busy machine is slow, not wrong: no deadline. A failure is kept as a test, not in a
# database that others do not have. Nothing is left to the library's own profiles: it has
# another one where it sees that a CI service runs it.
settings.register_profile(
    GATE,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=(),
)
settings.register_profile(EXPLORE, settings.get_profile(GATE), derandomize=False)
# Test modules take what is in force when they are imported, and so do their helpers.
settings.load_profile(GATE)


class Extreme(Random):
    """Always draws the same share of its range."""

    def __init__(self, share: float) -> None:
        """Draw `share`, from 0 to just under 1."""
        super().__init__(0)
        self._share = share

    @override
    def random(self) -> float:
        """Return the share."""
        return self._share


def seeded() -> Callable[[], Random]:
    """Return what makes sources of chance, each unlike the others, the same in every run."""
    numbers = count()
    return lambda: Random(next(numbers))


CHANCES: Final[dict[str, Callable[[], Callable[[], Random]]]] = {
    "seeded": seeded,
    "low": lambda: lambda: Extreme(0.0),
    "high": lambda: lambda: Extreme(math.nextafter(1.0, 0.0)),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer what an exploring run asks for."""
    group = parser.getgroup("chance")
    group.addoption(
        "--explore",
        action="store_true",
        help="draw new examples for property tests, ten times as many",
    )
    group.addoption(
        "--examples",
        type=int,
        help="draw at most so many examples for each property test",
    )
    group.addoption(
        "--chance",
        choices=sorted(CHANCES),
        default="seeded",
        help="what the product's own chance draws: always the least or the most, or seeded",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Put the profile in force before any test module is imported."""
    # Said once of a source that Hypothesis makes, and holds, for itself.
    config.addinivalue_line(
        "filterwarnings", "ignore:It looks like `register_random` was passed"
    )
    if config.getoption("explore"):
        settings.load_profile(EXPLORE)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Draw more examples in an exploring run, also where a test says how many it takes."""
    most: int | None = config.getoption("examples")
    if config.getoption("explore"):
        draw(items, lambda examples: examples * EXPLORED)
    if most is not None:
        draw(items, lambda examples: min(examples, most))


def draw(items: list[pytest.Item], so_many: Callable[[int], int]) -> None:
    """Have every property test draw other numbers of examples, once for all variants."""
    for holder, name in dict.fromkeys(filter(None, map(settings_of, items))):
        told: settings = getattr(holder, name)
        setattr(holder, name, settings(told, max_examples=so_many(told.max_examples)))


def settings_of(item: pytest.Item) -> tuple[object, str] | None:
    """Return which attribute of what holds a property test's settings, None without."""
    if not isinstance(item, pytest.Function):
        return None
    for holder, name in (
        (item.function, "_hypothesis_internal_use_settings"),
        (item.cls, "settings"),
    ):
        if isinstance(getattr(holder, name, None), settings):
            return holder, name
    return None


@pytest.fixture(autouse=True)
def chance(
    request: pytest.FixtureRequest, auto_enable_custom_integrations: None
) -> None:
    """Decide what the product draws, where the test has a Home Assistant."""
    if "hass" in request.fixturenames:
        decide(request.getfixturevalue("hass"), request.config)


def decide(hass: HomeAssistant, config: pytest.Config) -> None:
    """Decide what the product draws in a Home Assistant, before it is set up there."""
    # Not sooner: a worker measures coverage only after the plugins are imported.
    from custom_components.energy_homes.accounts.chance import DATA_CHANCE

    hass.data[DATA_CHANCE] = CHANCES[config.getoption("chance")]()
