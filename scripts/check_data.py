"""Check that every JSON, TOML and YAML file of the repository can be read, without double keys."""

from collections.abc import Iterator
import json
from pathlib import Path
import subprocess
import sys
import tomllib
from typing import Any, override

import yaml


class StrictLoader(yaml.SafeLoader):
    """A YAML loader that refuses what JSON loaders overwrite silently: the same key twice."""

    @override
    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Any, Any]:
        """Build a mapping and refuse a double key."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := {str(key) for key in keys if keys.count(key) > 1}:
            raise ValueError(f"the same key twice: {', '.join(sorted(twice))}")
        return super().construct_mapping(node, deep)


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object and refuse a double key."""
    keys = [key for key, _ in pairs]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise ValueError(f"the same key twice: {', '.join(sorted(twice))}")
    return dict(pairs)


def check(path: Path) -> None:
    """Read one file; raises ValueError where it is not what its name says."""
    text = path.read_text(encoding="utf-8")
    match path.suffix:
        case ".json":
            json.loads(text, object_pairs_hook=without_doubles)
        case ".toml":
            tomllib.loads(text)
        case ".yaml" | ".yml":
            try:
                yaml.load(text, Loader=StrictLoader)
            except yaml.YAMLError as error:
                raise ValueError(str(error)) from error


def repository_files() -> Iterator[Path]:
    """Yield the files that git knows or would take in; all below the folder without git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        yield from (
            path
            for name in listed.stdout.decode().split("\0")
            if name and (path := Path(name)).is_file()
        )
        return
    for folder in ("custom_components", "simulator", "tests", ".github"):
        yield from (path for path in Path(folder).rglob("*") if path.is_file())


def main() -> int:
    """Check all files; returns how many are broken."""
    broken = 0
    for path in repository_files():
        if path.suffix not in {".json", ".toml", ".yaml", ".yml"}:
            continue
        # Recorded replies of a vendor are kept as they came, broken ones too.
        if "fixtures" in path.parts or "samples" in path.parts:
            continue
        try:
            check(path)
        except ValueError as error:
            print(f"{path}: {error}", file=sys.stderr)
            broken += 1
    return broken


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
