"""How the vendor refuses: numbered errors, with the status each comes with."""

from enum import IntEnum


class Code(IntEnum):
    """The vendor's error numbers."""

    TOKEN_MISSING = 1
    TOKEN_INVALID = 2
    TOKEN_EXPIRED = 3
    APP_DEACTIVATED = 5
    NOTHING_TO_MODIFY = 7
    DEVICE_NOT_FOUND = 9
    MISSING_ARGUMENT = 10
    BUSY = 11
    FORBIDDEN = 13
    INVALID_ARGUMENT = 21
    USAGE = 26
    METHOD_NOT_FOUND = 31
    UNREACHABLE = 41


class VendorError(Exception):
    """An error as the vendor sends it."""

    def __init__(
        self,
        code: Code,
        message: str,
        status: int = 400,
        retry_after_s: int | None = None,
    ) -> None:
        """Take number, words and HTTP status."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s

    def as_json(self) -> dict[str, object]:
        """Return the body."""
        return {"error": {"code": int(self.code), "message": self.message}}


def missing(name: str) -> VendorError:
    """Return the error for an argument that is not there."""
    if name in {"mode", "temp"}:
        return VendorError(Code.MISSING_ARGUMENT, f"{name} is missing")
    return VendorError(Code.MISSING_ARGUMENT, f"Missing {name}")


def invalid(message: str) -> VendorError:
    """Return the error for an argument that cannot be."""
    return VendorError(Code.INVALID_ARGUMENT, message)


def forbidden(message: str) -> VendorError:
    """Return the error for what is not allowed."""
    return VendorError(Code.FORBIDDEN, message, 403)
