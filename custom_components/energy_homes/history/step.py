"""One step of a backfill down into the past of a meter or a room."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of a step: everything down to `begin` is committed.

    `found` slots were missing and `filled` of them became known, from `origin`. `reported`
    says whether anything was known at all; None where nobody had to be asked.
    """

    begin: datetime
    found: int = 0
    filled: int = 0
    origin: str = ""
    calls: int = 0
    reported: bool | None = None


class SubjectBackfill(Protocol):
    """Takes the past of one meter or room into the ledger, step by step.

    Both methods raise CloudError by kind, NotNowError and LedgerError; then nothing is
    noted, and the same step is asked for again later.
    """

    async def async_first(self) -> datetime | None:
        """Return when there is something at the earliest, None where nobody can say."""

    async def async_step(
        self, begin: datetime, end: datetime, newest: datetime
    ) -> Step:
        """Take the newest part of `[begin, end)`, as much as one question answers.

        `newest` is where the past ends that is taken.
        """
