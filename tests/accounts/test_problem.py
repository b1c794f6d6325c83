"""What is said of a history that cannot be asked: one word for each kind of trouble."""

import pytest

from custom_components.energy_homes.accounts.problem import account_problem, problem_of
from custom_components.energy_homes.accounts.registry import AccountState
from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudBusyError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from custom_components.energy_homes.clouds.netatmo.errors import (
    CloudRefusedError,
    CloudTokenExpiredError,
)
from custom_components.energy_homes.models import Problem


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (CloudAuthError("no"), Problem.CREDENTIALS),
        (CloudTokenExpiredError("no"), Problem.CREDENTIALS),
        (CloudQuotaError("enough"), Problem.CALL_LIMIT),
        (CloudOutageError("away"), Problem.CLOUD),
        (CloudBusyError("busy"), Problem.CLOUD),
        (CloudRequestError("not understood"), Problem.CLOUD),
        (CloudRefusedError("scope", code=13, vendor_message=""), Problem.CLOUD),
        (CloudNonsenseError("odd"), Problem.NONSENSE),
    ],
)
def test_what_a_failure_is_called(error: CloudError, problem: Problem) -> None:
    """A limit, credentials and nonsense by name; all else is the cloud."""
    assert problem_of(error) is problem


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        (None, Problem.ACCOUNT),
        (AccountState.STARTING, Problem.ACCOUNT),
        (AccountState.AUTH, Problem.CREDENTIALS),
        (AccountState.QUOTA, Problem.CALL_LIMIT),
        (AccountState.OUTAGE, Problem.CLOUD),
    ],
)
def test_what_an_account_that_cannot_be_asked_is_called(
    state: AccountState | None, problem: Problem
) -> None:
    """Its own trouble, or that it is not there."""
    assert account_problem(state) is problem
