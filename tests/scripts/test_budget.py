"""What the folders of tests may take of the processor."""

from pathlib import Path

import pytest

from scripts.suite.budget import FILE, Budget, folder_of, judged, read, table
from scripts.suite.outcome import Outcome

ROOT = Path(__file__).parents[2]
OUTCOME = Outcome(
    {
        "tests/test_a.py::test_x[a/b::c]": 1.0,
        "tests/clouds/test_b.py::test_y": 3.0,
        "tests/clouds/deep/test_c.py::test_z": 2.0,
        "tests/new/test_d.py::test_u": 0.5,
        "tests/test_a.py::test_slow": 60.0,
    },
    slow=frozenset({"tests/test_a.py::test_slow"}),
)


@pytest.mark.parametrize(
    ("test", "folder"),
    [
        ("tests/test_a.py::test_x[a/b::c]", "tests"),
        ("tests/clouds/test_b.py::test_y", "tests/clouds"),
        ("tests/clouds/deep/test_c.py::TestM::test_z", "tests/clouds"),
        ("test_a.py::test_x", "."),
    ],
)
def test_folder(test: str, folder: str) -> None:
    """A test uses the budget of the folder right under tests/."""
    assert folder_of(test) == folder


def test_judged() -> None:
    """Who takes more than its budget is warned of; slow tests and new folders are shown."""
    budget = Budget({"tests": 1.5, "tests/clouds": 4.0}, 10.0)
    lines = list(judged(budget, OUTCOME, 70.0))
    assert [
        (line.name, line.tests, line.cpu_s, line.allowed_s, line.warning)
        for line in lines
    ] == [
        ("tests/clouds", 2, 5.0, 4.0, "OVER BUDGET"),
        ("tests", 1, 1.0, 1.5, ""),
        ("tests/new", 1, 0.5, None, "no budget"),
        ("slow tests", 1, 60.0, None, ""),
        ("imports and collecting", 0, 3.5, None, ""),
        ("together, not slow", 4, 10.0, 10.0, ""),
    ]
    assert list(table(lines)) == [
        "  CPU s  budget  tests",
        "    5.0       4      2  tests/clouds  OVER BUDGET",
        "    1.0       2      1  tests",
        "    0.5              1  tests/new  no budget",
        "   60.0              1  slow tests",
        "    3.5                 imports and collecting",
        "   10.0      10      4  together, not slow",
        "WARNING: OVER BUDGET: tests/clouds, 5.0 of 4 CPU s",
        "WARNING: no budget: tests/new, 0.5 CPU s",
    ]


def test_the_whole_is_judged() -> None:
    """What belongs to no test counts for the whole."""
    budget = Budget({"tests": 9, "tests/clouds": 9, "tests/new": 9}, 10.0)
    *_, whole = judged(budget, OUTCOME, 70.1)
    assert whole.warning == "OVER BUDGET"


def test_file() -> None:
    """The table is one, and each folder of it is there."""
    budget = read(ROOT / FILE)
    assert budget.total >= sum(budget.folders.values())
    assert all((ROOT / folder).is_dir() for folder in budget.folders)
