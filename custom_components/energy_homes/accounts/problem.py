"""Why an account's history cannot be asked now."""

from typing import Final

from ..clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudQuotaError,
)
from ..models import Problem
from .registry import AccountState

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
