"""What the Particle cloud's statuses mean. Pure.

Some tell of one board or variable only, and say nothing of the account.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final

import orjson

from ..errors import (
    CloudAuthError,
    CloudError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)

_TOKEN_WORDS: Final = frozenset({"invalid_token", "invalid_grant", "expired_token"})


class BoardTrouble(StrEnum):
    """Why one board, or one of its variables, cannot be asked."""

    OFFLINE = "offline"
    UNKNOWN = "unknown"
    FORBIDDEN = "forbidden"


_BOARD_TROUBLES: Final = {
    403: BoardTrouble.FORBIDDEN,
    404: BoardTrouble.UNKNOWN,
    408: BoardTrouble.OFFLINE,
}


class CloudBoardError(CloudRequestError):
    """One board or variable cannot be asked; the account is fine."""

    def __init__(self, message: str, trouble: BoardTrouble) -> None:
        """Store what is wrong with it."""
        super().__init__(message)
        self.trouble = trouble


def status_error(
    name: str,
    status: int,
    body: bytes,
    retry_after: timedelta | None,
    *,
    of_board: bool = False,
) -> CloudError | None:
    """Return what an HTTP status says of the account, or of a board; None for 2xx.

    No text of the vendor's is in the error: it may quote the request.
    """
    if 200 <= status < 300:
        return None
    message = f"{name}: HTTP status {status}"
    if status == 429:
        return CloudQuotaError(message, retry_after)
    if status == 401 or (status == 400 and _word(body) in _TOKEN_WORDS):
        return CloudAuthError(message)
    # Without the vendor's own words these are a firewall's, or of some other server.
    if _word(body) is not None:
        if of_board and (trouble := _BOARD_TROUBLES.get(status)) is not None:
            return CloudBoardError(message, trouble)
        if status == 403:
            return CloudAuthError(message)
    if status in {400, 404}:
        return CloudRequestError(message)
    return CloudOutageError(message)


def _word(body: bytes) -> str | None:
    """Return what an error reply calls its error; None where it is none of the vendor's."""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(reply, dict):
        return None
    error = reply.get("error")
    return error if isinstance(error, str) else None
