"""Which tests a change can break."""

from pathlib import Path
import subprocess

import pytest

from scripts.suite.changed import affected, base, changed_files
from scripts.suite.imports import Imports, read

PACKAGE = "custom_components/energy_homes"
SOURCES = {
    f"{PACKAGE}/__init__.py": "from . import climate_base, metering",
    f"{PACKAGE}/climate.py": "from .climate_base import Base",
    f"{PACKAGE}/climate_base.py": "from homeassistant.core import HomeAssistant",
    f"{PACKAGE}/metering/__init__.py": "",
    f"{PACKAGE}/metering/dial.py": "from .wheel import turn",
    f"{PACKAGE}/metering/wheel.py": "import math",
    f"{PACKAGE}/clouds/__init__.py": "",
    f"{PACKAGE}/clouds/netatmo.py": (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from ..climate_base import Base\n"
        "else:\n"
        "    from .. import metering"
    ),
    f"{PACKAGE}/clouds/wire.py": "",
    "simulator/clock.py": "",
    "tests/__init__.py": "",
    "tests/conftest.py": (
        "from tests.virtual import Time\n"
        "@fixture\ndef virtual(hass): ...\n"
        "@fixture\ndef simulator(): ...\n"
    ),
    "tests/virtual.py": "import homeassistant",
    "tests/texts.py": "FILE = 'translations/en.json'",
    "tests/test_climate.py": "def test_it(hass): ...",
    "tests/test_init.py": "from custom_components import energy_homes\nimport homeassistant",
    "tests/test_texts.py": "from .texts import FILE\ndef test_it(virtual): ...",
    "tests/flows/conftest.py": "@fixture\ndef signing_in(virtual): ...",
    "tests/flows/test_netatmo.py": "def test_it(signing_in): ...",
    "tests/flows/test_unasked.py": "@mark.usefixtures('signing_in')\ndef test_it(): ...",
    "tests/heated/conftest.py": "@fixture(autouse=True)\ndef home(hass): ...",
    "tests/heated/world.py": "from custom_components.energy_homes.metering.dial import Dial",
    "tests/heated/test_room.py": "from tests.heated.world import World",
    "tests/metering/test_dial.py": (
        "from custom_components.energy_homes.metering.dial import Dial\n"
        "def test_it(simulator): ..."
    ),
    "tests/clouds/test_wire.py": "import custom_components.energy_homes.clouds.wire",
}
PURE = {"tests/metering/test_dial.py", "tests/clouds/test_wire.py"}
IMPORTS = Imports(read(path, source) for path, source in SOURCES.items())


def test_pure() -> None:
    """Pure is what reaches nothing of Home Assistant's, neither by imports nor by fixtures."""
    assert IMPORTS.pure_tests() == PURE


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        pytest.param("README.md", set(), id="a text"),
        pytest.param("tests/test_texts.py", {"tests/test_texts.py"}, id="a test"),
        pytest.param("tests/texts.py", {"tests/test_texts.py"}, id="a helper"),
        pytest.param(
            f"{PACKAGE}/climate.py", {"tests/test_climate.py"}, id="by its name"
        ),
        pytest.param(
            f"{PACKAGE}/climate_base.py",
            {"tests/test_climate.py", "tests/test_init.py"},
            id="by its importer's name",
        ),
        pytest.param(
            f"{PACKAGE}/metering/wheel.py",
            {"tests/heated/test_room.py"},
            id="by a helper that imports its importer",
        ),
        pytest.param(
            f"{PACKAGE}/clouds/netatmo.py",
            {"tests/flows/test_netatmo.py"},
            id="by its name in another folder",
        ),
        pytest.param(
            "tests/heated/conftest.py", {"tests/heated/test_room.py"}, id="a conftest"
        ),
        pytest.param(
            f"{PACKAGE}/translations/en.json",
            {"tests/test_texts.py"},
            id="a file that a helper names",
        ),
        pytest.param(
            "tests/__snapshots__/test_climate.ambr",
            {"tests/test_climate.py"},
            id="a snapshot",
        ),
        pytest.param("simulator/clock.py", set(), id="imported by nobody"),
        pytest.param("tests/gone.py", set(), id="deleted"),
    ],
)
def test_affected(changed: str, tests: set[str]) -> None:
    """The pure tests and what the change is likely to break."""
    assert affected([changed], IMPORTS) == frozenset(PURE | tests)


@pytest.mark.parametrize(
    "changed", ["pyproject.toml", "tests/conftest.py", "tests/virtual.py"]
)
def test_everything(changed: str) -> None:
    """What every test depends on breaks any of them."""
    assert affected([changed], IMPORTS) is None


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with one commit on main."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.invalid")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "kept.py").touch()
    (tmp_path / "moved.py").write_text("a = 1\n" * 20)
    commit(tmp_path, "first")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    """Run git."""
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def commit(folder: Path, message: str) -> None:
    """Commit everything."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def test_changed_files_of_a_branch(repository: Path) -> None:
    """What a branch changed counts from where it left main, committed or not."""
    git(repository, "switch", "--quiet", "--create", "branch")
    git(repository, "mv", "moved.py", "elsewhere.py")
    (repository / "grün.py").touch()
    commit(repository, "second")
    (repository / "kept.py").write_text("b = 2\n")
    (repository / "new.py").touch()
    changed = changed_files(repository, base(repository))
    assert changed == {"moved.py", "elsewhere.py", "grün.py", "kept.py", "new.py"}


def test_changed_files_of_main(repository: Path) -> None:
    """On main itself, and without any main, what is not committed counts."""
    (repository / "new.py").touch()
    assert changed_files(repository, base(repository)) == {"new.py"}
    git(repository, "branch", "--quiet", "--move", "main", "trunk")
    assert base(repository) == "HEAD"
    assert changed_files(repository, "HEAD") == {"new.py"}
