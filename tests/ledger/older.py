"""Ledger files of earlier versions."""

from contextlib import closing
from pathlib import Path
import sqlite3

from custom_components.energy_homes.ledger.schema import MIGRATIONS


def make_older(path: Path, version: int) -> None:
    """Make a closed ledger what it was in a version, with all that had its place then."""
    newer = path.rename(path.with_name(f"{path.name}-newer"))
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                older.execute(statement)
        older.execute("ATTACH ? AS newer", (str(newer),))
        for table in _names(
            older, "SELECT name FROM sqlite_master WHERE type = 'table'"
        ):
            columns = ", ".join(
                _names(
                    older,
                    "SELECT one.name FROM pragma_table_info(:table, 'main') AS one"
                    " JOIN pragma_table_info(:table, 'newer') AS other"
                    " ON one.name = other.name",
                    table,
                )
            )
            older.execute(
                f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}"  # noqa: S608
            )
        older.execute(f"PRAGMA user_version = {version}")
    newer.unlink()


def _names(connection: sqlite3.Connection, query: str, table: str = "") -> list[str]:
    """Return what a query for names finds."""
    return [name for (name,) in connection.execute(query, {"table": table})]
