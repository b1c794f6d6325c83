#!/usr/bin/env python3
"""Change one thing of the pure rooms at random, and see whether one of their tests fails.

Each mutant is a copy of the package in a folder of its own; the checkout is not touched.
Mutants that no test of the mirrored folder fails are printed. Run it by `scripts/mutate`.
"""

import argparse
import ast
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from random import Random
import shutil
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = Path("custom_components/energy_homes")
BOARD_FILES: Final = tuple(
    f"accounts/particle/{name}.py"
    for name in ("board", "board_hosts", "deadbands", "measures")
)
PURE: Final = ("metering", "heating", "sensing", "boards", *BOARD_FILES)
COPIED: Final = ("custom_components", "simulator", "tests", "pyproject.toml")
EXAMPLES: Final = 25
"""So many examples are drawn for each property: a mutant that few of them see survives."""

TIMEOUT_S: Final = 300
"""A test of a mutant that takes longer never ends."""

SURVIVED: Final = 0
KILLED: Final = frozenset({1, 2})
"""What pytest returns where tests fail, or cannot even be imported."""

_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
}
_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
# What only says of which type something is, or how a class is made, does nothing.
_LEFT_OUT: Final = frozenset({"annotation", "returns", "decorator_list", "type_params"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module in which one thing is otherwise."""

    path: Path
    line: int
    change: str
    source: str

    def __str__(self) -> str:
        """Return where it is, and what is otherwise."""
        return f"{self.path}:{self.line}: {self.change}"


@dataclass(frozen=True, slots=True)
class _Change:
    """Something else in the place of an expression."""

    parent: ast.AST
    field: str
    index: int | None
    before: ast.expr
    after: ast.expr

    def make(self) -> None:
        """Put it there."""
        if self.index is None:
            setattr(self.parent, self.field, self.after)
        else:
            getattr(self.parent, self.field)[self.index] = self.after


def mutants(path: Path, source: str) -> Iterator[Mutant]:
    """Return all mutants of a module."""
    for number in range(len(list(_changes(ast.parse(source))))):
        tree = ast.parse(source)
        change = list(_changes(tree))[number]
        told = f"{ast.unparse(change.before)} -> {ast.unparse(change.after)}"
        change.make()
        yield Mutant(path, change.before.lineno, told, ast.unparse(tree))


def _changes(parent: ast.AST) -> Iterator[_Change]:
    """Return what can be changed below a node."""
    if isinstance(parent, ast.TypeAlias):
        return
    for field, value in ast.iter_fields(parent):
        if field in _LEFT_OUT or (field, type(parent)) == ("keywords", ast.ClassDef):
            continue
        several = isinstance(value, list)
        for index, child in enumerate(value if several else [value]):
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.expr):
                for other in _others(child, condition=field == "test"):
                    yield _Change(
                        parent, field, index if several else None, child, other
                    )
            yield from _changes(child)


def _others(node: ast.expr, *, condition: bool) -> Iterator[ast.expr]:
    """Return what may stand in the place of an expression."""
    match node:
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(op)](), right)
        case ast.BoolOp(op, values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield ast.BoolOp(other, values)
        case ast.Compare(left, ops, comparators):
            for index, op in enumerate(ops):
                changed = [*ops[:index], _COMPARISONS[type(op)](), *ops[index + 1 :]]
                yield ast.Compare(left, changed, comparators)
        case ast.Constant(value=bool() as truth):
            yield ast.Constant(not truth)
        case ast.Constant(value=int() | float() as number):
            yield ast.Constant(number + 1)
        case _ if condition:
            yield ast.UnaryOp(ast.Not(), node)


def tests_of(path: Path) -> tuple[str, ...]:
    """Return the tests of a module: its room's, or those of the pure files of an account."""
    inside = path.relative_to(PACKAGE)
    if inside.parts[0] != "accounts":
        return (f"tests/{inside.parts[0]}",)
    folder = f"tests/{inside.parent.as_posix()}"
    return (f"{folder}/test_board.py", f"{folder}/test_measures.py")


def all_mutants(rooms: Sequence[str], root: Path = ROOT) -> list[Mutant]:
    """Return all mutants of rooms, which are folders of the package."""
    return [
        mutant
        for room in rooms
        for path in _modules(root / PACKAGE / room)
        for mutant in mutants(path.relative_to(root), path.read_text())
    ]


def _modules(place: Path) -> list[Path]:
    """Return the modules of a folder, or the one that is meant."""
    return [place] if place.is_file() else sorted(place.glob("**/*.py"))


class House:
    """A copy of the repository in which one mutant after the other is tried."""

    def __init__(self, folder: Path) -> None:
        """Copy what the tests of pure rooms need."""
        self._folder = folder
        leave_out = shutil.ignore_patterns("__pycache__", "e2e")
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=leave_out)
            else:
                shutil.copy(ROOT / name, folder / name)

    def survives(self, mutant: Mutant) -> bool:
        """Return whether none of a mutant's own tests fails."""
        place = self._folder / mutant.path
        kept = place.read_text()
        place.write_text(mutant.source)
        try:
            return self.holds(tests_of(mutant.path))
        finally:
            place.write_text(kept)

    def holds(self, places: Sequence[str]) -> bool:
        """Return whether all tests of some places hold. Raises RuntimeError if none ran."""
        order = [sys.executable, "-B", "-m", "pytest", "-x", "-q", *places]
        order += ["-p", "no:cacheprovider", "--timeout", str(TIMEOUT_S)]
        order += ["--examples", str(EXAMPLES)]
        done = subprocess.run(
            order, cwd=self._folder, capture_output=True, text=True, check=False
        )
        if done.returncode not in {SURVIVED, *KILLED}:
            raise RuntimeError(
                f"pytest of {places} did not run:\n{done.stdout[-2000:]}"
            )
        return done.returncode == SURVIVED


def try_all(chosen: Sequence[Mutant], processes: int) -> list[Mutant]:
    """Try mutants, some at a time; return those that survive, in their order."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(processes) as threads:
        houses: SimpleQueue[House] = SimpleQueue()
        for number in range(processes):
            houses.put(House(Path(folder, str(number))))

        def attempt(mutant: Mutant) -> bool:
            """Try one in a copy that nobody else uses."""
            house = houses.get()
            try:
                survived = house.survives(mutant)
            finally:
                houses.put(house)
            print("survived" if survived else "killed  ", mutant, flush=True)
            return survived

        sound = houses.get()
        for places in sorted({tests_of(mutant.path) for mutant in chosen}):
            if not sound.holds(places):
                raise SystemExit(f"{', '.join(places)} fail without any change.")
        houses.put(sound)
        return [
            mutant
            for mutant, survived in zip(
                chosen, threads.map(attempt, chosen), strict=True
            )
            if survived
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try a sample; return how the process is to end."""
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument(
        "rooms",
        nargs="*",
        default=PURE,
        help=f"folders or files, {', '.join(PURE)} if none",
    )
    parser.add_argument("--sample", type=int, default=40, help="how many are tried")
    parser.add_argument("--seed", type=int, default=0, help="which are tried")
    parser.add_argument("-n", "--processes", type=int, default=2)
    parser.add_argument("--fail-on-survivors", action="store_true")
    given = parser.parse_args(arguments)
    found = all_mutants(given.rooms)
    chosen = Random(given.seed).sample(found, min(given.sample, len(found)))
    survivors = try_all(chosen, given.processes)
    print(f"{len(survivors)} of {len(chosen)} survive; {len(found)} could be tried.")
    for mutant in survivors:
        print(mutant)
    return int(given.fail_on_survivors and bool(survivors))


if __name__ == "__main__":
    sys.exit(main())
