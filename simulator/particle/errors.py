"""How the vendor refuses."""

from typing import Any


class ApiError(Exception):
    """A refusal with its status and body."""

    def __init__(self, status: int, **body: Any) -> None:
        """Take status and body."""
        super().__init__(body.get("error", ""))
        self.status = status
        self.body = body


def no_token() -> ApiError:
    """Return the refusal of a call without a token in its header."""
    return ApiError(
        400,
        error="invalid_request",
        error_description="The access token was not found",
    )


def unknown_token() -> ApiError:
    """Return the refusal of a token that nobody was given."""
    return ApiError(
        401,
        error="invalid_token",
        error_description="The access token provided is invalid.",
    )


def expired_token() -> ApiError:
    """Return the refusal of a token that has expired."""
    return ApiError(
        401,
        error="invalid_token",
        error_description="The access token provided has expired.",
    )


def denied() -> ApiError:
    """Return the refusal of a board that is somebody else's, or nobody's."""
    return ApiError(
        403,
        error="Permission Denied",
        info="I didn't recognize that device name or ID, "
        "try opening https://api.particle.io/v1/devices?access_token=undefined",
    )


def out_of_scope(scope: str) -> ApiError:
    """Return the refusal of a token that is good for something else."""
    return ApiError(
        403,
        error="insufficient_scope",
        error_description=f"This action requires the {scope} scope",
    )


def no_product() -> ApiError:
    """Return the refusal of a product that there is not."""
    return ApiError(404, ok=False, error="Product not found")


def no_device() -> ApiError:
    """Return the refusal of a board that a product has not."""
    return ApiError(404, ok=False, error="Device not found")


def no_variable() -> ApiError:
    """Return the refusal of a variable that a board has not."""
    return ApiError(404, ok=False, error="Variable not found")


def timed_out() -> ApiError:
    """Return what is said where a board does not answer."""
    return ApiError(408, error="Timed out.")


def too_many() -> ApiError:
    """Return what is said where a limit is reached."""
    return ApiError(429, ok=False, error="Too many requests")
