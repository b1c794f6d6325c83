"""What users are told of commands that cannot be, or were not, carried out."""

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from ..const import DOMAIN
from ..heating.refused import HeatingRequestError


def request_error(err: HeatingRequestError) -> ServiceValidationError:
    """Return what a user is told of a request that cannot be carried out."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=err.problem.value,
        translation_placeholders=dict(err.placeholders),
    )


def account_missing(place: str) -> HomeAssistantError:
    """Return what a user is told where no account reaches a room or home."""
    return _error("heating_no_account", place)


def home_gone(place: str) -> HomeAssistantError:
    """Return what a user is told where the account has no such home any more."""
    return _error("heating_gone", place)


def cloud_error(err: CloudError, place: str) -> HomeAssistantError:
    """Return what a user is told of a command that the cloud did not do.

    `place` names the room and its home, or the home.
    """
    match err:
        case CloudAuthError():
            return _error("heating_auth", place)
        case CloudQuotaError():
            return _error("heating_quota", place)
        case CloudOutageError():
            return _error("heating_outage", place, str(err))
        case CloudNonsenseError():
            return _error("heating_nonsense", place, str(err))
        case CloudRequestError():
            return _error("heating_refused", place, err.for_people)
    return _error("heating_refused", place, str(err))


def _error(key: str, place: str, reason: str = "") -> HomeAssistantError:
    """Return an error about a room or home."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"place": place, "reason": reason},
    )
