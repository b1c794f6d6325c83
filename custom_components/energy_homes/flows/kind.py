"""What forms know of a kind of account: one description of each vendor."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import (
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.core import HomeAssistant
import voluptuous as vol

from ..const import EntryKind
from .forms import Fields
from .imports.accounts import Given, HeatingImport, MeterImport

type Step = Callable[[Any], Awaitable[ConfigFlowResult]]
"""A step of the config flow, by the flow."""

type Offer = Callable[[], Coroutine[Any, Any, str | None]]
"""Makes hardware a discovered item; returns its flow's id, None where it may not be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer[Import: (MeterImport, HeatingImport)]:
    """How the action `import_homes` comes by accounts of a kind."""

    begin: Callable[[HomeAssistant], Import]
    """Begins an import; accounts are asked once in it."""

    credentials: Fields | None = None
    """The fields that tell a new account; None where accounts can only be named."""

    def told_by(self, given: Given) -> bool:
        """Return whether what is given has all that tells a new account."""
        return self.credentials is not None and all(
            field.schema in given
            for field in self.credentials
            if isinstance(field, vol.Required)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFlow:
    """What forms do about a kind of account.

    The step that adds one is called as the kind of its entry is: `async_step_<kind>`.
    """

    kind: EntryKind
    reconfigure: Step
    reauth: Step | None = None
    """None where nobody can refuse our credentials."""

    options: type[OptionsFlow] | None = None
    subentries: Mapping[str, type[ConfigSubentryFlow]] = MappingProxyType({})
    """What can be added to the account itself, by the type of subentry."""

    home_parts: Mapping[str, type[ConfigSubentryFlow]] = MappingProxyType({})
    """What else than meters and sensors a home can have of such accounts, by type."""

    offers: Callable[[HomeAssistant, Any], Mapping[str, Offer]]
    """Returns what an account has that works, by hardware id, and how it is offered."""

    meters: Importer[MeterImport] | None = None
    heating: Importer[HeatingImport] | None = None
    """None where `import_homes` does not take accounts of the kind."""
