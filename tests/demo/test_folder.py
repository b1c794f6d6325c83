"""The demo's data folder at a first, a second and a broken start."""

import json
from pathlib import Path
from typing import Any

import pytest

from demo.errors import DemoError
from demo.folder import DemoFolder

LOOPBACK = {"server_host": ["127.0.0.1"], "server_port": 8200, "error": None}
EVERYWHERE = {"server_port": 8123, "error": None}


@pytest.fixture
def folder(tmp_path: Path) -> DemoFolder:
    """Return a folder that has not been used."""
    return DemoFolder(tmp_path / "demo")


def remember(
    folder: DemoFolder, stable: dict[str, Any], pending: dict[str, Any] | None
) -> Path:
    """Let Home Assistant have stored its address; return a file that it has stored beside."""
    storage = folder.config / ".storage"
    storage.mkdir(parents=True)
    data = {"stable": stable, "pending": pending, "yaml_migration_done": True}
    (storage / "http").write_text(json.dumps({"data": data}), encoding="utf-8")
    user = storage / "auth"
    user.write_text("{}", encoding="utf-8")
    return user


def configuration(folder: DemoFolder) -> str:
    """Return what Home Assistant will be told."""
    return (folder.config / "configuration.yaml").read_text("utf-8")


def test_a_first_start_says_where_to_listen(folder: DemoFolder) -> None:
    """The configuration names loopback and the port, and the integration is linked."""
    assert folder.listening_port(8200) == 8200
    folder.prepare(8200)
    assert "server_host: 127.0.0.1\n  server_port: 8200\n" in configuration(folder)
    linked = folder.config / "custom_components" / "energy_homes" / "manifest.json"
    assert linked.is_file()


@pytest.mark.parametrize(
    ("stable", "pending"),
    [(LOOPBACK, None), (EVERYWHERE, LOOPBACK)],
    ids=["confirmed", "on trial"],
)
def test_a_later_start_keeps_the_stored_address(
    folder: DemoFolder, stable: dict[str, Any], pending: dict[str, Any] | None
) -> None:
    """What Home Assistant has stored counts, and the configuration no longer says it."""
    user = remember(folder, stable, pending)
    assert folder.listening_port(9000) == 8200
    folder.prepare(8200)
    assert "http:" not in configuration(folder)
    assert user.exists()


@pytest.mark.parametrize(
    ("stable", "pending"),
    [(EVERYWHERE, None), (EVERYWHERE, {**LOOPBACK, "error": "not_promoted"})],
    ids=["never tried", "trial over"],
)
def test_an_address_never_confirmed_begins_anew(
    folder: DemoFolder, stable: dict[str, Any], pending: dict[str, Any] | None
) -> None:
    """A Home Assistant that would listen everywhere is not started, but made anew."""
    user = remember(folder, stable, pending)
    assert folder.listening_port(9000) == 9000
    folder.prepare(9000)
    assert "server_host: 127.0.0.1\n  server_port: 9000\n" in configuration(folder)
    assert not user.exists()


def test_a_foreign_folder_is_refused(folder: DemoFolder) -> None:
    """A folder with something in it that is no demo is left alone."""
    folder.path.mkdir()
    (folder.path / "precious.txt").touch()
    with (
        pytest.raises(DemoError, match="not empty and not a demo's folder"),
        folder.hold(),
    ):
        pass


def test_a_folder_in_use_is_refused(folder: DemoFolder) -> None:
    """Two demos never share a folder, and the next one may have it."""
    other = DemoFolder(folder.path)
    with folder.hold(), pytest.raises(DemoError, match="Another demo"), other.hold():
        pass
    with other.hold():
        pass


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ('{"url": "http://127.0.0.1:4711"}', 4711),
        ("{}", None),
        ("half a li", None),
    ],
)
def test_the_simulator_keeps_its_port(
    folder: DemoFolder, text: str, port: int | None
) -> None:
    """The port of the last start is known, unless the file was cut short."""
    assert folder.simulator_port() is None
    folder.path.mkdir()
    folder.simulator_info.write_text(text, encoding="utf-8")
    assert folder.simulator_port() == port
