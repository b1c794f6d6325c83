"""What is said of commands that failed."""

import pytest

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
from custom_components.energy_homes.rooms.errors import cloud_error


@pytest.mark.parametrize(
    ("error", "key", "reason"),
    [
        (CloudAuthError("no"), "heating_auth", ""),
        (CloudTokenExpiredError("no"), "heating_auth", ""),
        (CloudQuotaError("enough"), "heating_quota", ""),
        (CloudOutageError("no JSON"), "heating_outage", "no JSON"),
        (CloudBusyError("limited section"), "heating_outage", "limited section"),
        (CloudNonsenseError("not confirmed"), "heating_nonsense", "not confirmed"),
        (CloudRequestError("not understood"), "heating_refused", "not understood"),
        (
            CloudRefusedError("refused", code=35, vendor_message=""),
            "heating_refused",
            "code 35",
        ),
        (
            CloudRefusedError("refused", code=21, vendor_message="Too hot"),
            "heating_refused",
            "Too hot",
        ),
    ],
)
def test_what_is_said_of_a_command_that_failed(
    error: CloudError, key: str, reason: str
) -> None:
    """Each kind in its own words, and the vendor's where it has any."""
    reported = cloud_error(error, "Study (Elm Street)")

    assert reported.translation_key == key
    assert reported.translation_placeholders == {
        "place": "Study (Elm Street)",
        "reason": reason,
    }
