"""Mutants: one thing is otherwise in each, and nothing that does nothing."""

from pathlib import Path

import pytest

from scripts.mutate import PACKAGE, PURE, ROOT, all_mutants, mutants, own_tests

PATH = PACKAGE / "metering" / "dial.py"


def changes(source: str) -> list[str]:
    """Return what is otherwise in each mutant."""
    return [mutant.change for mutant in mutants(PATH, source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a + b", ["a + b -> a - b"]),
        ("a < b <= c", ["a < b <= c -> a <= b <= c", "a < b <= c -> a < b < c"]),
        ("a and b", ["a and b -> a or b"]),
        ("x = True", ["True -> False"]),
        ("x = 0.5", ["0.5 -> 1.5"]),
        ("if a:\n    b()", ["a -> not a"]),
        ("x = b if a else c", ["a -> not a"]),
        ("f(1, k=2)", ["1 -> 2", "2 -> 3"]),
        ("def f(a: 'x | 1' = 2) -> 3: pass", ["2 -> 3"]),
        ("@d(frozen=True)\nclass A(B, slots=True): pass", []),
        ("type A = B | 1", []),
        ("'text'", []),
    ],
)
def test_what_is_changed(source: str, expected: list[str]) -> None:
    """Operators, comparisons, conditions and numbers, but no types."""
    assert changes(source) == expected


def test_a_mutant_is_the_whole_module() -> None:
    """It says where it is otherwise by the line of the source."""
    (mutant,) = mutants(PATH, "# why\nx = 1\ny = 'kept'")
    assert mutant.source == "x = 2\ny = 'kept'"
    assert str(mutant) == f"{PATH}:2: 1 -> 2"


@pytest.mark.heavy
def test_every_pure_room_has_mirrored_tests() -> None:
    """So that the tests of a room are those that are run."""
    for room in PURE:
        (first, *_) = all_mutants([room])
        assert all((ROOT / place).exists() for place in own_tests(first.path))
        assert first.path.is_relative_to(Path(PACKAGE, room))
