"""Why a history cannot be asked now: one word for each reason, as people are told."""

from enum import StrEnum
from typing import Final

from ..accounts.registry import AccountState
from ..clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudQuotaError,
)


class Problem(StrEnum):
    """What a repair or an import of the past waits for."""

    ACCOUNT = "account"
    CALL_LIMIT = "call_limit"
    CLOUD = "cloud"
    CREDENTIALS = "credentials"
    HOME = "home"
    LEDGER = "ledger"
    NONSENSE = "nonsense"
    RECORDER = "recorder"


class NotNowError(Exception):
    """A history cannot be asked or stored now, for a reason that people are told."""

    def __init__(self, problem: Problem) -> None:
        """Keep the reason."""
        super().__init__(problem.value)
        self.problem = problem


_OF_STATE: Final = {
    AccountState.AUTH: Problem.CREDENTIALS,
    AccountState.QUOTA: Problem.CALL_LIMIT,
    AccountState.OUTAGE: Problem.CLOUD,
}
_OF_ERROR: Final = (
    (CloudQuotaError, Problem.CALL_LIMIT),
    (CloudAuthError, Problem.CREDENTIALS),
    (CloudNonsenseError, Problem.NONSENSE),
)


def problem_of(err: CloudError) -> Problem:
    """Return what a vendor's answer means for its history."""
    for kind, problem in _OF_ERROR:
        if isinstance(err, kind):
            return problem
    return Problem.CLOUD


def account_problem(state: AccountState | None) -> Problem:
    """Return why an account cannot be asked that is not connected, or (None) not there."""
    return Problem.ACCOUNT if state is None else _OF_STATE.get(state, Problem.ACCOUNT)
