"""What can go wrong with a vendor cloud, in the four kinds that are handled differently.

No message of these exceptions holds a credential or a URL with one.
"""

from datetime import timedelta
from typing import override


class CloudError(Exception):
    """Base of everything that a vendor client raises."""


class CloudAuthError(CloudError):
    """The vendor refuses the credentials: somebody has to enter new ones."""


class CloudQuotaError(CloudError):
    """The vendor's call limit is reached: the credentials are fine, wait."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        """Store how long the vendor asks to wait, where it says so."""
        super().__init__(message)
        self.retry_after = retry_after


class CloudOutageError(CloudError):
    """The vendor cannot be reached, or says that its service does not work now."""


class CloudBusyError(CloudOutageError):
    """The vendor works on another call of ours: the same one may pass a moment later."""


class CloudNonsenseError(CloudError):
    """The vendor answered something that cannot be a reading: skip it, count it."""


class CloudRequestError(CloudError):
    """The vendor refuses this request's parameters: a mistake on our side."""

    @override
    def __str__(self) -> str:
        """Return the vendor's own description."""
        return super().__str__() or "request refused"

    @property
    def for_people(self) -> str:
        """Return the refusal as people are told of it."""
        return str(self)
