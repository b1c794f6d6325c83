"""What callers of actions are told that cannot be answered."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..const import DOMAIN
from ..ledger import LedgerError


def invalid(key: str, **placeholders: str) -> ServiceValidationError:
    """Return what is told of a field that makes no sense."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )


def one_of(value: str, choices: Iterable[str], key: str) -> str:
    """Return a value without regard to case. Raises an error that names the choices."""
    names = tuple(choices)
    found = value.strip().lower()
    if found not in names:
        raise invalid(key, value=value, choices=", ".join(names))
    return found


@contextmanager
def ledger_errors() -> Iterator[None]:
    """Tell what the ledger cannot do."""
    try:
        yield
    except LedgerError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="ledger_failed",
            translation_placeholders={"error": str(err)},
        ) from err
