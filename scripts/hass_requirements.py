"""Print what a starting Home Assistant would install by itself for the demo's parts.

The lock holds these packages, so that the first start of `scripts/demo` installs nothing.
"""

import ast
from collections.abc import Iterable, Iterator
import json
from pathlib import Path
import sys

# What the demo's configuration names, and what onboarding starts without being asked.
WANTED = (
    "config",
    "energy",
    "history",
    # Not asked for, but `http` warns at each start without it.
    "isal",
    "logbook",
    "mobile_app",
    "my",
    "recorder",
    "sun",
    "google_translate",
    "met",
    "radio_browser",
    "shopping_list",
)
# Manifest keys that make Home Assistant install what a discovery integration needs.
DISCOVERED_BY = {
    "dhcp": "dhcp",
    "homekit": "zeroconf",
    "mqtt": "mqtt",
    "ssdp": "ssdp",
    "zeroconf": "zeroconf",
}


def strings(node: ast.AST) -> Iterator[str]:
    """Yield every string constant below a node."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def always_loaded(package: Path) -> Iterator[str]:
    """Yield the integrations that are loaded whatever the configuration says.

    Other strings come along; they name no integration and so do no harm.
    """
    platforms = package / "generated" / "entity_platforms.py"
    yield from strings(ast.parse(platforms.read_text(encoding="utf-8")))
    bootstrap = package / "bootstrap.py"
    for node in ast.parse(bootstrap.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "DEFAULT_INTEGRATIONS"
            for target in node.targets
        ):
            yield from strings(node)


def of_second_factor(package: Path) -> Iterator[str]:
    """Yield what the second factor needs that every user is offered."""
    module = package / "auth" / "mfa_modules" / "totp.py"
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "REQUIREMENTS"
            for target in node.targets
        ):
            yield from strings(node)


def requirements(package: Path, domains: Iterable[str]) -> set[str]:
    """Return the requirements of the domains and of all that come with them."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(domains)
    while waiting:
        domain = waiting.pop()
        manifest = package / "components" / domain / "manifest.json"
        if domain in seen or not manifest.is_file():
            continue
        seen.add(domain)
        content = json.loads(manifest.read_text(encoding="utf-8"))
        found.update(content.get("requirements", ()))
        waiting += content.get("dependencies", ())
        # Home Assistant installs what the later ones need too, whether or not they are set up.
        waiting += content.get("after_dependencies", ())
        waiting += [other for key, other in DISCOVERED_BY.items() if key in content]
    return found


def main() -> None:
    """Print the requirements of the Home Assistant package named by the argument."""
    package = Path(sys.argv[1])
    found = requirements(package, {*always_loaded(package), *WANTED})
    found.update(of_second_factor(package))
    print("\n".join(sorted(found, key=str.casefold)))


if __name__ == "__main__":
    main()
