"""What questions to the ledger and changes of it are given to work with."""

from collections import Counter
from dataclasses import dataclass
import sqlite3

from .totals import State


@dataclass(frozen=True, slots=True)
class View:
    """The ledger as its last commit left it.

    `state` is what its slots add up to; `changes` counts how often slots of a key have
    changed since the start.
    """

    connection: sqlite3.Connection
    state: State
    changes: Counter[str]


@dataclass(slots=True)
class Transaction:
    """The ledger as its last commit and the changes of this transaction leave it.

    What is written is committed as a whole, and `state` is the ledger's from then on, or
    nothing of it ever was. `changes` are the ledger's own and go on if it fails: one too
    many only has hours compared once more.
    """

    connection: sqlite3.Connection
    state: State
    changes: Counter[str]
