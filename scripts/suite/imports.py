"""Which file of this repository imports which, read from the sources without running them."""

import ast
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
import re
from typing import Final, override

ROOTS: Final = ("custom_components", "simulator", "demo", "scripts", "tests")
_FILE: Final = re.compile(r"[\w./-]+\.\w+")
HOME_ASSISTANT: Final = "homeassistant"
# Names of fixtures behind which there is a Home Assistant begin like this; who asks for one need not import it.
HOME_ASSISTANT_FIXTURES: Final = ("hass", "virtual", "recorder_mock")


@dataclass(frozen=True)
class Module:
    """A source file: what it imports at run time, and which fixtures it may ask for."""

    name: str
    path: str
    """From the repository's root, with slashes."""
    imports: frozenset[str]
    """Full names; what may be a module or a name inside one is here as both."""
    parameters: Mapping[str, frozenset[str]]
    """The parameters of its functions by the function's name.

    Under `usefixtures` what a mark asks for, and what comes unasked (`autouse`).
    """
    files: frozenset[str] = frozenset()
    """Names of files that it mentions, without their folders."""

    @property
    def is_test(self) -> bool:
        """Return whether pytest collects it."""
        return self.path.startswith("tests/") and Path(self.path).name.startswith(
            "test_"
        )


class _Reader(ast.NodeVisitor):
    """Collects the imports that run, in whatever function they stand."""

    def __init__(self, package: str) -> None:
        """Read a module that lies in `package`."""
        self.package = package
        self.imports: set[str] = set()
        self.parameters: dict[str, set[str]] = {}
        self.files: set[str] = set()

    @override
    def visit_If(self, node: ast.If) -> None:
        """Leave out what is imported for types only."""
        test = node.test
        name = test.attr if isinstance(test, ast.Attribute) else None
        name = test.id if isinstance(test, ast.Name) else name
        if name == "TYPE_CHECKING":
            for child in node.orelse:
                self.visit(child)
            return
        self.generic_visit(node)

    @override
    def visit_Import(self, node: ast.Import) -> None:
        """Take `import a.b`."""
        self.imports.update(alias.name for alias in node.names)

    @override
    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Take `from a import b`, where `b` may be a module."""
        base = node.module or ""
        if node.level:
            package = self.package.split(".")
            above = package[: len(package) - node.level + 1]
            base = ".".join([*above, *([base] if base else [])])
        self.imports.update(f"{base}.{alias.name}" for alias in node.names)

    @override
    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Take the parameters, which may be fixtures."""
        self._take(node)

    @override
    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """Take the parameters, which may be fixtures."""
        self._take(node)

    def _take(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        found = self.parameters.setdefault(node.name, set())
        found.update(argument.arg for argument in arguments)
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and any(
                keyword.arg == "autouse" for keyword in decorator.keywords
            ):
                self._use([node.name])
        self.generic_visit(node)

    def _use(self, fixtures: Iterable[str]) -> None:
        self.parameters.setdefault("usefixtures", set()).update(fixtures)

    @override
    def visit_Constant(self, node: ast.Constant) -> None:
        """Take what may be the path of a file."""
        if isinstance(node.value, str) and _FILE.fullmatch(node.value):
            self.files.add(node.value.rpartition("/")[2])

    @override
    def visit_Call(self, node: ast.Call) -> None:
        """Take the fixtures of `pytest.mark.usefixtures`."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "usefixtures":
            self._use(
                argument.value
                for argument in node.args
                if isinstance(argument, ast.Constant)
                and isinstance(argument.value, str)
            )
        self.generic_visit(node)


def read(path: str, source: str) -> Module:
    """Return the module in a file; raises SyntaxError where it is none."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
        package = parts
    else:
        package = parts[:-1]
    reader = _Reader(".".join(package))
    reader.visit(ast.parse(source, path))
    parameters = {name: frozenset(of) for name, of in reader.parameters.items()}
    return Module(
        ".".join(parts),
        path,
        frozenset(reader.imports),
        parameters,
        frozenset(reader.files),
    )


def read_repository(root: Path) -> Imports:
    """Read all sources of the repository; raises SyntaxError where one is none."""
    return Imports(
        read(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for folder in ROOTS
        for path in sorted((root / folder).rglob("*.py"))
    )


@dataclass
class Imports:
    """The graph of imports.

    A module does not count as an importer of the packages that it lies in: the integration's own
    `__init__` imports nearly everything, and is run for each of its parts.
    """

    modules: Iterable[Module]
    by_name: Mapping[str, Module] = field(init=False)
    _imported: Mapping[str, frozenset[str]] = field(init=False)
    _importers: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Resolve each import to the modules of this repository."""
        self.modules = tuple(self.modules)
        self.by_name = {module.name: module for module in self.modules}
        self._imported = {
            module.name: frozenset(self._resolved(module)) for module in self.modules
        }
        importers: dict[str, set[str]] = {name: set() for name in self.by_name}
        for name, imported in self._imported.items():
            for other in imported:
                importers[other].add(name)
        self._importers = {name: frozenset(found) for name, found in importers.items()}

    def _resolved(self, module: Module) -> Iterator[str]:
        for imported in module.imports:
            for name in (imported, imported.rpartition(".")[0]):
                if name in self.by_name:
                    yield name
                    break

    def importers(self, names: Iterable[str]) -> frozenset[str]:
        """Return the modules that import one of these directly."""
        return frozenset(
            importer for name in names for importer in self._importers.get(name, ())
        )

    def all_importers(self, names: Iterable[str]) -> frozenset[str]:
        """Return these and all that import them, over others too."""
        return _reached(names, self._importers)

    def all_imported(self, name: str) -> frozenset[str]:
        """Return a module and all that it imports, over others too."""
        return _reached([name], self._imported)

    def pure_tests(self) -> frozenset[str]:
        """Return the paths of the test files that need nothing of Home Assistant's."""
        return frozenset(
            module.path
            for module in self.modules
            if module.is_test and self._is_pure(module)
        )

    def _is_pure(self, test: Module) -> bool:
        needed = [self.by_name[name] for name in self.all_imported(test.name)]
        if any(map(_imports_home_assistant, needed)):
            return False
        fixtures = self._fixtures(test)
        asked = {
            name
            for module in needed
            for of in module.parameters.values()
            for name in of
        }
        asked |= fixtures.get("usefixtures", frozenset())
        reached = _reached(asked, fixtures)
        return not any(name.startswith(HOME_ASSISTANT_FIXTURES) for name in reached)

    def _fixtures(self, test: Module) -> dict[str, frozenset[str]]:
        """Return what each function of the folders' conftest asks for in turn."""
        fixtures: dict[str, frozenset[str]] = {}
        package = test.name.rpartition(".")[0]
        while package:
            if conftest := self.by_name.get(f"{package}.conftest"):
                unasked = [
                    of.get("usefixtures", frozenset())
                    for of in (fixtures, conftest.parameters)
                ]
                fixtures = {**conftest.parameters, **fixtures}
                fixtures["usefixtures"] = frozenset().union(*unasked)
            package = package.rpartition(".")[0]
        return fixtures


def _reached(
    names: Iterable[str], edges: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    reached = set(names)
    waiting = deque(reached)
    while waiting:
        found = edges.get(waiting.popleft(), frozenset()) - reached
        reached |= found
        waiting.extend(found)
    return frozenset(reached)


def _imports_home_assistant(module: Module) -> bool:
    return any(name.split(".")[0] == HOME_ASSISTANT for name in module.imports)
