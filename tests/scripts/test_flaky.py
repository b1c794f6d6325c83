"""What a failure is worth, once its test was run again alone."""

import pytest

from scripts.suite.flaky import judged, without_paths
from scripts.suite.outcome import MOST_RERUNS, NOTHING, Outcome


def test_who_passes_alone_is_flaky() -> None:
    """A test that passes alone is said to be flaky; one that fails again has failed."""
    said: list[str] = []
    told = judged(["t.py::a", "t.py::b"], "t.py::a".__eq__, said.append)
    assert told.flaky == ("t.py::a",)
    assert told.failing == ("t.py::b",)
    assert said == [
        "FLAKY t.py::a: failed, and passed alone",
        "FAILED t.py::b: failed again alone",
    ]


@pytest.mark.parametrize(
    ("outcome", "status", "tried"),
    [
        pytest.param(Outcome({}, failed=("a", "b")), 1, ("a", "b"), id="few"),
        pytest.param(Outcome({}), 0, (), id="none"),
        pytest.param(Outcome({}, failed=("a",)), 2, (), id="interrupted"),
        pytest.param(Outcome({}, failed=("a",)), 3, (), id="pytest itself broke"),
        pytest.param(
            Outcome({}, failed=("a",), uncollected=("b",)), 1, (), id="not collected"
        ),
        pytest.param(
            Outcome({}, failed=tuple(map(str, range(MOST_RERUNS)))),
            1,
            tuple(map(str, range(MOST_RERUNS))),
            id="as many as chance may fail",
        ),
        pytest.param(
            Outcome({}, failed=tuple(map(str, range(MOST_RERUNS + 1)))),
            1,
            (),
            id="more than chance fails",
        ),
        pytest.param(NOTHING, -9, (), id="killed"),
    ],
)
def test_who_is_tried_again(
    outcome: Outcome, status: int, tried: tuple[str, ...]
) -> None:
    """Some failed tests are tried again, where nothing else is wrong."""
    assert outcome.worth_another_try(status) == tried


def test_a_test_alone_takes_the_options_only() -> None:
    """Paths would bring other tests; what looks like an option's value stays."""
    arguments = ["-k", "x", "tests/metering", "--ignore=tests/a", "tests/b.py::t[1]"]
    assert without_paths(arguments, ["tests/metering", "tests/b.py::t[1]"]) == [
        "-k",
        "x",
        "--ignore=tests/a",
    ]
