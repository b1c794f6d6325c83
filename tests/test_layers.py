"""The layers of the house: what may import what, and that nothing goes round in a circle."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
import re
import sys

import pytest

PACKAGE = Path(__file__).parent.parent / "custom_components" / "energy_homes"
NAME = ("custom_components", "energy_homes")

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"const"}),
    frozenset({"metering", "heating", "sensing"}),
    frozenset({"boards", "models"}),
    frozenset({"clouds", "ledger"}),
    frozenset({"accounts", "statistics"}),
    frozenset({"meters"}),
    frozenset({"rooms"}),
    frozenset({"homes"}),
    frozenset({"history", "endpoints"}),
    frozenset({"entity", "flows", "actions", "api"}),
    frozenset({"entities", "watch"}),
)
"""Rooms from the bottom up; what is in no row is what Home Assistant loads, the top row.

A file imports from rows below its own and from its own room, and from nowhere else.
"""

FILES = frozenset({"const", "models", "entity"})
"""Files of the root that are a room of their own."""

ROOT = "root"

VENDORS = frozenset(row.parent.name for row in PACKAGE.glob("accounts/*/kind.py"))
"""Folders of one vendor, whose neighbours of the same room know nothing of it."""

TABLES = frozenset({"accounts/kinds.py", "flows/kinds.py", "rooms/kinds.py"})
"""Files that put the vendors of a room together."""

SHARED_ROOMS = ("accounts", "clouds", "flows", "heating", "rooms")
"""Rooms with vendors' folders."""

VENDOR_NAME = re.compile(
    "|".join(name.replace("_", "[ _-]?") for name in VENDORS), re.IGNORECASE
)

HOUSED = {"endpoints": "pulse_board"}
"""Rooms that are one vendor's for now: nobody but a pulse board comes in by our doors."""

NAMED_BY_DESIGN = frozenset(
    {
        "accounts/kinds.py",
        "const.py",
        "flows/kinds.py",
        "rooms/kinds.py",
    }
)
"""Where a vendor has its rows, and its kinds of entries and sources."""

PURE = ("metering", "heating", "sensing", "boards")
PURE_FILES = tuple(
    f"accounts/particle/{name}.py" for name in ("board", "deadbands", "measures")
)
LEDGER_DOOR = "ledger/opening.py"
"""Where Home Assistant opens the ledger, and says what was wrong with it."""

IMPURE = frozenset({"homeassistant", "aiohttp", "asyncio", "sqlite3"})

CIRCLES: list[list[str]] = []
"""Groups of files that still import each other; only ever fewer."""

EXCEPTIONS: frozenset[tuple[str, str]] = frozenset()
"""Imports that still break a rule, as (file, imported file); only ever shorter."""


def module_path(parts: tuple[str, ...]) -> str | None:
    """Return the file of a module of the package, relative to it; None where it is none."""
    folder = PACKAGE.joinpath(*parts)
    if folder.is_dir():
        return "/".join((*parts, "__init__.py"))
    file = folder.with_suffix(".py")
    return file.relative_to(PACKAGE).as_posix() if parts and file.is_file() else None


def imported(path: str) -> Iterator[str]:
    """Yield the package's files that a file imports, for types only ones and relative ones too."""
    here = (*NAME, *path.split("/")[:-1])
    for node in ast.walk(ast.parse((PACKAGE / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [tuple(alias.name.split(".")) for alias in node.names]
            names = [""]
        elif isinstance(node, ast.ImportFrom):
            given = tuple(node.module.split(".")) if node.module else ()
            base = here[: len(here) - node.level + 1] if node.level else ()
            found = [(*base, *given)]
            names = [alias.name for alias in node.names]
        else:
            continue
        for module in found:
            if module[:2] != NAME:
                continue
            for name in names:
                inner = module[2:]
                target = (name and module_path((*inner, name))) or module_path(inner)
                if target is not None and target != path:
                    yield target


@cache
def graph() -> dict[str, frozenset[str]]:
    """Return every file of the package with the files that it imports."""
    paths = (path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
    return {path: frozenset(imported(path)) for path in sorted(paths)}


def arrows() -> Iterator[tuple[str, str]]:
    """Yield each import of one file of the package by another."""
    for path, targets in graph().items():
        for target in sorted(targets):
            yield path, target


def room(path: str) -> str:
    """Return the room of a file: its folder, its own name, or the root's."""
    name = path.split("/", maxsplit=1)[0].removesuffix(".py")
    return name if "/" in path or name in FILES else ROOT


def layer(path: str) -> int:
    """Return the row of a file's room, counted from the bottom."""
    found = [row for row, rooms in enumerate(LAYERS) if room(path) in rooms]
    return found[0] if found else len(LAYERS)


def vendor(path: str) -> str | None:
    """Return whose folder a file is in, inside a room that several vendors share."""
    parts = path.split("/")
    if parts[0] in SHARED_ROOMS and len(parts) > 2 and parts[1] in VENDORS:
        return parts[1]
    return None


def vendors_named(path: str) -> set[str]:
    """Return the vendors that the code of a file names, in any string or identifier.

    Docstrings and comments may: they tell people what a vendor does.
    """
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    texts = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    words = (
        word
        for node in ast.walk(tree)
        if id(node) not in texts
        for _, value in ast.iter_fields(node)
        for word in (value if isinstance(value, list) else [value])
        if isinstance(word, str)
    )
    return {
        re.sub("[ -]|(?<=pulse)(?=board)", "_", found.lower())
        for word in words
        for found in VENDOR_NAME.findall(word)
    }


def outside(path: str) -> set[str]:
    """Return the packages outside this one that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((PACKAGE / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


def goes_up(path: str, target: str) -> bool:
    """Tell whether an import goes to a room that is not below the importing file's own."""
    return room(path) != room(target) and layer(path) <= layer(target)


def knows_vendor(path: str, target: str) -> bool:
    """Tell whether a file reaches into the folder of a vendor that is not its own.

    A room's shared files know no vendor at all, but for what puts the vendors together.
    """
    if room(path) != room(target) or vendor(target) is None or path in TABLES:
        return False
    return vendor(path) != vendor(target)


def circles() -> list[list[str]]:
    """Return the groups of files that import each other, in whatever roundabout way."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(path: str) -> None:
        index[path] = low[path] = len(index)
        stack.append(path)
        for target in graph()[path]:
            if target not in index:
                visit(target)
                low[path] = min(low[path], low[target])
            elif target in stack:
                low[path] = min(low[path], index[target])
        if low[path] == index[path]:
            group = stack[stack.index(path) :]
            del stack[stack.index(path) :]
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(max(sys.getrecursionlimit(), 10_000))
    for path in graph():
        if path not in index:
            visit(path)
    return found


def test_every_file_has_a_layer() -> None:
    """A folder that is in no row would be as free as the root, which is full of names that Home Assistant loads."""
    folders = {path.split("/")[0] for path in graph() if "/" in path}
    assert folders <= frozenset().union(*LAYERS)


def test_imports_go_down() -> None:
    """A file imports from its own room and from rooms below, for types only or not."""
    broken = {arrow for arrow in arrows() if goes_up(*arrow)}
    assert broken == EXCEPTIONS & broken, sorted(broken - EXCEPTIONS)


def test_vendors_are_strangers() -> None:
    """No vendor's folder knows another's, and what all share knows none of them."""
    broken = {arrow for arrow in arrows() if knows_vendor(*arrow)}
    assert broken == EXCEPTIONS & broken, sorted(broken - EXCEPTIONS)


def test_only_few_files_name_a_vendor() -> None:
    """What a vendor does otherwise than others stands in its rows, and nobody asks who it is."""
    named = {
        path
        for path in graph()
        if vendors_named(path) - {vendor(path) or HOUSED.get(room(path))}
    }
    assert named == NAMED_BY_DESIGN


def test_exceptions_only_shrink() -> None:
    """An exception that is needed no more is taken out of the list."""
    broken = {arrow for arrow in arrows() if goes_up(*arrow) or knows_vendor(*arrow)}
    assert broken >= EXCEPTIONS, sorted(EXCEPTIONS - broken)


def test_nothing_goes_round() -> None:
    """No file imports, by whatever way, a file that imports it."""
    assert circles() == CIRCLES


@pytest.mark.parametrize("path", [p for p in graph() if p.split("/")[0] in PURE])
def test_core_is_pure(path: str) -> None:
    """The core imports nothing that does I/O, and nothing of Home Assistant's."""
    assert not outside(path) & IMPURE


@pytest.mark.parametrize("path", PURE_FILES)
def test_pure_files_of_accounts(path: str) -> None:
    """What boards measure is as pure as the core, whoever owns the board."""
    assert not outside(path) & IMPURE


def test_clouds_and_ledger_do_not_know_home_assistant() -> None:
    """A vendor's client could be a package of its own, and so could the ledger behind its door."""
    for path in graph():
        if room(path) in {"clouds", "ledger"} and path != LEDGER_DOOR:
            assert "homeassistant" not in outside(path), path
