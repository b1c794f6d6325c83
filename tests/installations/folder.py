"""An installation as it is kept in the repository, packed and unpacked.

Stores are kept as text, for people to read; databases are compressed.
"""

from contextlib import closing
from datetime import datetime
import json
import lzma
from pathlib import Path
import shutil
import sqlite3
from typing import Any, Final

from .record import LEDGER_FILE
from .running import RECORDER_FILE

HERE: Final = Path(__file__).parent
STORAGE: Final = "storage"
CONFIG_STORAGE: Final = ".storage"
SIMULATOR: Final = "simulator.json"
EXPECTED: Final = "expected.json"
DATABASES: Final = (LEDGER_FILE, RECORDER_FILE)

NOT_KEPT: Final = frozenset({"auth", "http", "http.auth", "core.uuid"})
"""Stores that say nothing of the integration: users, and where Home Assistant listens."""


class Kept:
    """One installation in the repository."""

    def __init__(self, name: str) -> None:
        """Name it by the release or commit that left it."""
        self.path = HERE / name

    @property
    def expected(self) -> dict[str, Any]:
        """Return what was recorded of it."""
        text = (self.path / EXPECTED).read_text("utf-8")
        expected: dict[str, Any] = json.loads(text)
        return expected

    @property
    def left_at(self) -> datetime:
        """Return when Home Assistant was stopped."""
        return datetime.fromisoformat(self.expected["left_at"])

    def unpack(self, folder: Path) -> None:
        """Make a configuration folder of it."""
        shutil.copytree(self.path / STORAGE, folder / CONFIG_STORAGE)
        for name in DATABASES:
            packed = (self.path / f"{name}.xz").read_bytes()
            (folder / name).write_bytes(lzma.decompress(packed))

    def unpack_simulator(self, path: Path) -> None:
        """Make a file of what the vendors' clouds know of it."""
        shutil.copy(self.path / SIMULATOR, path)

    def pack(
        self, folder: Path, simulator: Path, expected: dict[str, Any], since: datetime
    ) -> None:
        """Keep a configuration folder; of the recorder's states those since an instant."""
        shutil.rmtree(self.path, ignore_errors=True)
        storage = self.path / STORAGE
        storage.mkdir(parents=True)
        for store in sorted((folder / CONFIG_STORAGE).iterdir()):
            if store.name not in NOT_KEPT:
                data = json.loads(store.read_text("utf-8"))
                _write(storage / store.name, data)
        _reduce(folder / RECORDER_FILE, since)
        for name in DATABASES:
            packed = lzma.compress(
                _compact(folder / name), preset=9 | lzma.PRESET_EXTREME
            )
            (self.path / f"{name}.xz").write_bytes(packed)
        shutil.copy(simulator, self.path / SIMULATOR)
        _write(self.path / EXPECTED, expected)


def _write(path: Path, data: object) -> None:
    """Write JSON; rows of numbers stay on one line each."""
    path.write_text(_text(data, "") + "\n", "utf-8")


def _text(data: object, indent: str) -> str:
    """Return JSON that is read line by line."""
    deeper = indent + " "
    nested = isinstance(data, dict | list) and any(
        isinstance(one, dict | list)
        for one in (data.values() if isinstance(data, dict) else data)
    )
    flat = json.dumps(data, ensure_ascii=False)
    if not nested and (len(flat) < 100 or isinstance(data, list)):
        return flat
    if isinstance(data, dict):
        lines = [
            f"{deeper}{json.dumps(key)}: {_text(value, deeper)}"
            for key, value in data.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(data, list):
        lines = [f"{deeper}{_text(value, deeper)}" for value in data]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    return flat


def _reduce(path: Path, since: datetime) -> None:
    """Forget the recorder's events, and states that were written before an instant."""
    with closing(sqlite3.connect(path)) as connection:
        old = "last_updated_ts < ?"
        connection.execute(
            f"UPDATE states SET old_state_id = NULL WHERE NOT {old}",  # noqa: S608
            (since.timestamp(),),
        )
        connection.execute(f"DELETE FROM states WHERE {old}", (since.timestamp(),))  # noqa: S608
        connection.execute(
            "DELETE FROM state_attributes WHERE attributes_id NOT IN"
            " (SELECT attributes_id FROM states WHERE attributes_id IS NOT NULL)"
        )
        for table in ("events", "event_data", "event_types"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
        connection.commit()


def _compact(path: Path) -> bytes:
    """Return a database as one file without anything that was deleted."""
    compact = path.with_suffix(".compact")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(compact),))
    data = compact.read_bytes()
    compact.unlink()
    return data
