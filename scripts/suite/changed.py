"""Which tests a change can break, by the names and imports of the repository's files."""

from collections.abc import Iterable
from pathlib import Path
import re
import subprocess
from typing import Final

from scripts.suite.imports import Imports

PACKAGE: Final = "custom_components.energy_homes"
HARNESS: Final = "tests.conftest"
HARNESS_FILES: Final = ("pyproject.toml", "requirements_test.txt")
"""Files that any test depends on; so does it on whatever the harness imports."""
ALIKE: Final = 4
"""Words are alike by so many letters: `heating` and `heated`, `meter` and `metering`."""


def base(root: Path) -> str:
    """Return the commit that the work began at: where it left origin/main or main, else HEAD."""
    for branch in ("origin/main", "main"):
        if found := _git(root, "merge-base", "HEAD", branch):
            return found[0]
    return "HEAD"


def changed_files(root: Path, since: str) -> frozenset[str]:
    """Return the files that differ from a commit, committed or not, new ones too."""
    differing = _git(root, "diff", "--name-only", "--no-renames", since)
    new = _git(root, "ls-files", "--others", "--exclude-standard")
    return frozenset((*differing, *new))


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        ["git", "-c", "core.quotePath=false", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines() if not done.returncode else []


def affected(changed: Iterable[str], imports: Imports) -> frozenset[str] | None:
    """Return the paths of the test files to run, None for all of them.

    The pure ones, always: they take less than a minute. Of the others those that changed, that
    import a changed module or one that imports it, themselves or over helpers of the tests, and
    those named like one of these modules. Home Assistant loads the integration's modules by name,
    so by imports alone a change reaches every test or none.
    """
    changed = frozenset(changed)
    by_path = {module.path: module for module in imports.modules}
    names = {by_path[path].name for path in changed if path in by_path}
    if HARNESS in _helped(names, imports) or not changed.isdisjoint(HARNESS_FILES):
        return None
    parts = {name for name in names if not name.startswith("tests.")}
    near = parts | imports.importers(parts)
    found = _helped(names | near, imports)
    tests = {module.name: module for module in imports.modules if module.is_test}
    for name in near:
        found |= mirrored(name, tests)
    for path in changed - by_path.keys():
        found |= _looking_at(path, imports)
    folders = tuple(
        name.removesuffix("conftest") for name in found if name.endswith(".conftest")
    )
    return imports.pure_tests() | {
        test.path
        for name, test in tests.items()
        if name in found or name.startswith(folders)
    }


def _helped(names: Iterable[str], imports: Imports) -> set[str]:
    """Return the modules of tests that are these or import one, over other modules of tests only."""
    near = {*names, *imports.importers(names)}
    return set(
        imports.all_importers(name for name in near if name.startswith("tests."))
    )


def mirrored(module: str, tests: Iterable[str]) -> set[str]:
    """Return the tests whose file, or whose folder for a module of the root, is named like a module.

    Where no file is, those of a folder that is named like the module's folder.
    """
    if module != PACKAGE and not module.startswith(f"{PACKAGE}."):
        return set()
    *rooms, name = module.removeprefix(PACKAGE).split(".")[1:] or ["init"]
    by_file = {test for test in tests if _alike(name, test.rpartition(".test_")[2])}
    if rooms:
        return by_file or _in_folder(rooms[-1], tests)
    return by_file | _in_folder(name, tests)


def _in_folder(name: str, tests: Iterable[str]) -> set[str]:
    return {
        test
        for test in tests
        if any(_alike(name, folder) for folder in test.split(".")[1:-1])
    }


def _alike(one: str, other: str) -> bool:
    """Return whether the first words of two names are alike."""
    one, other = one.partition("_")[0], other.partition("_")[0]
    if min(len(one), len(other)) < ALIKE:
        return one == other
    return one[:ALIKE] == other[:ALIKE]


def _looking_at(path: str, imports: Imports) -> set[str]:
    """Return the modules of tests that look at a file which is no module."""
    if snapshot := re.fullmatch(r"(.*)/__snapshots__/(.+)\.ambr", path):
        return {f"{snapshot[1]}/{snapshot[2]}".replace("/", ".")}
    name = path.rpartition("/")[2]
    return _helped(
        (module.name for module in imports.modules if name in module.files), imports
    )
