"""Nothing is refused by chance, and who explores draws more."""

from random import Random

from homeassistant.core import HomeAssistant
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
import pytest

from custom_components.energy_homes.accounts.chance import DATA_CHANCE, async_chance
from tests.chance import CHANCES, EXPLORE, EXPLORED, GATE, draw, settings_of


class Machine(RuleBasedStateMachine):
    """Does nothing."""

    @rule()
    def nothing(self) -> None:
        """Do nothing."""


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=3, stateful_step_count=2)


@settings(max_examples=4)
@given(st.none())
def test_property(nothing: None) -> None:
    """Hold."""


def test_profiles() -> None:
    """The gate draws the same in every run; who explores can draw a failure once more."""
    gate, new = settings.get_profile(GATE), settings.get_profile(EXPLORE)
    assert (gate.derandomize, new.derandomize, new.print_blob) == (True, False, True)
    for profile in (gate, new):
        assert (profile.deadline, profile.database) == (None, None)
        assert profile.suppress_health_check == ()


def test_every_property_test_is_under_the_profile(
    request: pytest.FixtureRequest,
) -> None:
    """Wherever it lies, and whatever else it says of itself."""
    profile = EXPLORE if request.config.getoption("explore") else GATE
    expected = settings.get_profile(profile)
    for holder, name in filter(None, map(settings_of, request.session.items)):
        told: settings = getattr(holder, name)
        assert (told.deadline, told.database) == (None, None), holder
        assert told.derandomize is expected.derandomize, holder


def test_exploring_draws_more(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a test says how many, once for all of its variants."""
    module = request.node.getparent(pytest.Module)
    assert module is not None
    machine = pytest.Class.from_parent(module, name="TestMachine")
    variants = [
        pytest.Function.from_parent(parent, name=name, callobj=function)
        for parent, name, function in (
            (module, "one", test_property),
            (module, "other", test_property),
            (machine, "runTest", TestMachine.runTest),
            (module, "none", test_profiles),
        )
    ]
    name = "_hypothesis_internal_use_settings"
    before = getattr(test_property, name)
    monkeypatch.setattr(test_property, name, before)
    monkeypatch.setattr(TestMachine, "settings", TestMachine.settings)
    drawn = TestMachine.settings.max_examples
    draw(list[pytest.Item](variants), lambda examples: examples * EXPLORED)
    after = getattr(test_property, name)
    assert after.max_examples == EXPLORED * before.max_examples
    assert TestMachine.settings.max_examples == EXPLORED * drawn
    assert after.derandomize is before.derandomize


@pytest.mark.parametrize(("chance", "least", "most"), [("low", 0, 0), ("high", 1, 1)])
def test_extremes(chance: str, least: float, most: float) -> None:
    """Always the least or the most that can be drawn; never the bound that cannot."""
    random = CHANCES[chance]()()
    assert least - 1e-9 < random.random() <= most
    assert random.random() < 1
    assert random.uniform(10, 30) == pytest.approx(10 + 20 * most)


def test_seeded_sources_are_unlike_and_the_same_in_every_run() -> None:
    """The second of one run is the second of another, and not the first."""
    runs = [CHANCES["seeded"]() for _ in range(2)]
    drawn = [[make().random() for _ in range(3)] for make in runs]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 3


def test_the_run_decides_for_the_product(
    hass: HomeAssistant, request: pytest.FixtureRequest
) -> None:
    """Home Assistant is given the run's chance before any test of it begins."""
    expected = CHANCES[request.config.getoption("chance")]()
    assert async_chance(hass).random() == expected().random()
    assert async_chance(hass).random() == expected().random()


def test_the_machine_decides_else(hass: HomeAssistant) -> None:
    """Each caller has a source of its own, that no run of the tests knows."""
    del hass.data[DATA_CHANCE]
    one, other = async_chance(hass), async_chance(hass)
    assert type(one) is Random
    assert one.random() != other.random()
