"""Which translation keys the package's source uses, read from its syntax tree and its modules."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
import importlib
import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any, override

from homeassistant.helpers.entity import EntityDescription

PACKAGE_NAME = "custom_components.energy_homes"
PACKAGE = Path(__file__).parent.parent / "custom_components" / "energy_homes"

DYNAMIC = "?"
"""Stands for a key that only a running program knows."""


@dataclass(frozen=True)
class Use:
    """One place that uses a translation key, and the placeholders it gives (None where unknown)."""

    key: str
    place: str
    placeholders: frozenset[str] | None = None


@dataclass
class Uses:
    """All that the package's source says about translations."""

    exceptions: list[Use] = field(default_factory=list)
    issues: list[Use] = field(default_factory=list)
    selectors: list[Use] = field(default_factory=list)
    devices: list[Use] = field(default_factory=list)
    errors: list[Use] = field(default_factory=list)
    aborts: list[Use] = field(default_factory=list)
    steps: list[Use] = field(default_factory=list)
    menu_options: list[Use] = field(default_factory=list)
    step_methods: set[str] = field(default_factory=set)
    entity_attributes: list[tuple[str, Use]] = field(default_factory=list)
    strings: set[str] = field(default_factory=set)


@cache
def modules() -> dict[Path, ModuleType]:
    """Return every module of the package by its file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join((PACKAGE_NAME, *(part for part in parts if part != "__init__")))
        found[path] = importlib.import_module(name)
    return found


def resolve(node: ast.AST, module: ModuleType) -> Any:
    """Return the object that a name or a dotted name stands for in its module, else None."""
    match node:
        case ast.Name(id=name):
            return getattr(module, name, None)
        case ast.Attribute(value=value, attr=name):
            return getattr(resolve(value, module), name, None)
    return None


def texts(node: ast.AST | None, module: ModuleType) -> set[str]:
    """Return every string that an expression can be; DYNAMIC for what cannot be told."""
    match node:
        case None:
            return set()
        case ast.Constant(value=str(value)):
            return {value}
        case ast.Constant(value=None):
            return set()
        case ast.IfExp(body=body, orelse=orelse):
            return texts(body, module) | texts(orelse, module)
        case ast.Name() | ast.Attribute():
            value = resolve(node, module)
            return {str(value)} if isinstance(value, str) else {DYNAMIC}
    return {DYNAMIC}


def sequence(node: ast.AST | None, module: ModuleType) -> Iterator[str]:
    """Yield the strings of a list, tuple or dict display (its keys)."""
    items: Iterable[ast.AST | None] = ()
    match node:
        case (
            ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements)
        ):
            items = elements
        case ast.Dict(keys=keys):
            items = keys
    for item in items:
        yield from texts(item, module)


def placeholder_names(
    keywords: Mapping[str | None, ast.expr], name: str, module: ModuleType
) -> frozenset[str] | None:
    """Return the names of the placeholders that a call gives, None where they cannot be told."""
    node = keywords.get(name)
    if node is None:
        return frozenset()
    if not isinstance(node, ast.Dict) or None in node.keys:
        return None
    return frozenset(sequence(node, module))


class Reader(ast.NodeVisitor):
    """Collects the uses of one module."""

    def __init__(self, path: Path, module: ModuleType, uses: Uses) -> None:
        """Remember where to look names up and where to put what is found."""
        self._path = path
        self._module = module
        self._uses = uses

    def _note(
        self,
        found: list[Use],
        node: ast.expr | None,
        placeholders: frozenset[str] | None = None,
    ) -> None:
        """Add every key that an expression can be."""
        if node is None:
            return
        place = f"{self._path.relative_to(PACKAGE)}:{node.lineno}"
        found.extend(
            Use(key, place, placeholders)
            for key in sorted(texts(node, self._module) - {DYNAMIC})
        )

    @override
    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """Note the steps that a flow has."""
        if node.name.startswith("async_step_"):
            self._uses.step_methods.add(node.name.removeprefix("async_step_"))
        self.generic_visit(node)

    @override
    def visit_Constant(self, node: ast.Constant) -> None:
        """Note every string."""
        if isinstance(node.value, str):
            self._uses.strings.add(node.value)

    @override
    def visit_Name(self, node: ast.Name) -> None:
        """Note the string that a constant stands for."""
        if isinstance(value := resolve(node, self._module), str):
            self._uses.strings.add(str(value))

    @override
    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note the string that a constant of another module or an enum member stands for."""
        if isinstance(value := resolve(node, self._module), str):
            self._uses.strings.add(str(value))
        self.generic_visit(node)

    @override
    def visit_Assign(self, node: ast.Assign) -> None:
        """Note `errors[...] = key`, `async_step_a = async_step_b` and `_attr_translation_key`."""
        for target in node.targets:
            self._assigned(target, node.value)
        self.generic_visit(node)

    @override
    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Note the same of annotated names."""
        if node.value is not None:
            self._assigned(node.target, node.value)
        self.generic_visit(node)

    def _assigned(self, target: ast.expr, value: ast.expr) -> None:
        """Note what one assignment tells."""
        match target:
            case ast.Subscript(value=ast.Name(id="errors")):
                self._note(self._uses.errors, value)
            case ast.Name(id="errors"):
                self._note_values(value)
            case ast.Name(id="_attr_translation_key"):
                found: list[Use] = []
                self._note(found, value)
                self._uses.entity_attributes += [
                    (self._path.stem, use) for use in found
                ]
            case ast.Name(id=name) if name.startswith("async_step_"):
                self._uses.step_methods.add(name.removeprefix("async_step_"))

    def _note_values(self, node: ast.expr | None) -> None:
        """Note the values of a dict of errors."""
        if isinstance(node, ast.Dict):
            for value in node.values:
                self._note(self._uses.errors, value)

    @override
    def visit_Call(self, node: ast.Call) -> None:
        """Note the keys that one call uses."""
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        name = (
            node.func.attr
            if isinstance(node.func, ast.Attribute)
            else getattr(node.func, "id", "")
        )
        called = resolve(node.func, self._module)
        first = node.args[0] if node.args else None
        uses = self._uses
        key = keywords.get("translation_key")
        placeholders = placeholder_names(
            keywords, "translation_placeholders", self._module
        )
        if name == "async_create_issue":
            self._note(uses.issues, key, placeholders)
        elif name.endswith("SelectorConfig"):
            self._note(uses.selectors, key)
        elif name in {"DeviceInfo", "async_get_or_create"}:
            self._note(uses.devices, key)
        elif inspect.isclass(called) and issubclass(called, BaseException):
            self._note(uses.exceptions, key, placeholders)
        if name == "Refused":
            self._note(uses.errors, first)
        if name in {"async_show_form", "async_show_menu", "async_show_progress"}:
            self._note(uses.steps, keywords.get("step_id"))
            self._note_values(keywords.get("errors"))
            for option in sequence(keywords.get("menu_options"), self._module):
                uses.menu_options.append(
                    Use(option, f"{self._path.relative_to(PACKAGE)}:{node.lineno}")
                )
        if name.endswith(("_abort", "_mismatch")) or name == "AbortFlow":
            self._note(
                uses.aborts,
                keywords.get("reason", first if name == "AbortFlow" else None),
            )
        self.generic_visit(node)


@cache
def uses() -> Uses:
    """Return all uses of the whole package."""
    found = Uses()
    for path, module in modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        Reader(path, module, found).visit(tree)
    return found


def descriptions() -> Iterator[tuple[str, EntityDescription]]:
    """Yield every entity description that a module holds, with its platform."""

    def inside(value: Any) -> Iterator[EntityDescription]:
        """Yield the descriptions in a value or in a collection."""
        if isinstance(value, EntityDescription):
            yield value
        elif isinstance(value, Mapping):
            for item in value.values():
                yield from inside(item)
        elif isinstance(value, (tuple, list, set, frozenset)):
            for item in value:
                yield from inside(item)

    seen: set[int] = set()
    for module in modules().values():
        for value in vars(module).values():
            for description in inside(value):
                if id(description) in seen:
                    continue
                seen.add(id(description))
                platform = next(
                    kind.__module__.split(".")[2]
                    for kind in type(description).__mro__
                    if kind.__module__.startswith("homeassistant.components.")
                )
                yield platform, description


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of nested objects with its dotted path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    else:
        yield path, value


def sections(
    translations: dict[str, Any], wanted: Callable[[str], bool]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects whose dotted path is wanted."""

    def walk(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the wanted objects below one path."""
        if not isinstance(value, dict):
            return
        if wanted(path):
            yield path, value
        for key, inner in value.items():
            yield from walk(inner, f"{path}.{key}" if path else key)

    yield from walk(translations, "")


@cache
def data_file(name: str) -> dict[str, Any]:
    """Return a JSON file of the package."""
    content: dict[str, Any] = json.loads((PACKAGE / name).read_text(encoding="utf-8"))
    return content
