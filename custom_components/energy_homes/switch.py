"""Switches: of a home's import of its past, and of what a board may do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts.entity_descriptions import AccountSwitchDescription
from .accounts.kinds import kind_of
from .const import DOMAIN
from .entity import BoardEntity, PastEntity
from .history.backfill import DATA_BACKFILL, Backfill
from .homes.home import Home

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PastSwitchDescription(SwitchEntityDescription):
    """A switch of the import of a home's past, by the home's id."""

    value_fn: Callable[[Backfill, str], bool]


PAST_SWITCHES: tuple[PastSwitchDescription, ...] = (
    PastSwitchDescription(
        key="import_history",
        translation_key="import_history",
        entity_category=EntityCategory.CONFIG,
        value_fn=lambda backfill, home_id: backfill.active(home_id),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switches of a home or a board."""
    if isinstance(home := entry.runtime_data, Home):
        past = hass.data[DATA_BACKFILL]
        async_add_entities(PastSwitch(home, past, one) for one in PAST_SWITCHES)
        return
    async_add_entities(BoardSwitch(entry, one) for one in kind_of(entry).switches)


class PastSwitch(PastEntity, SwitchEntity):
    """Whether the past of a home is being imported; off stops after the present step."""

    entity_description: PastSwitchDescription

    @property
    @override
    def is_on(self) -> bool:
        """Return whether an import is under way, or waits for something."""
        return self.entity_description.value_fn(self.backfill, self.home.home_id)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Go on with what was stopped, else import all that nobody has asked for yet.

        Raises ServiceValidationError where there is neither.
        """
        if not self.is_on and not await self.backfill.async_go_on(self.home):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="nothing_to_import",
                translation_placeholders={"home": self.home.label},
            )

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Stop; what is done stays done."""
        await self.backfill.async_pause(self.home)


class BoardSwitch(BoardEntity, SwitchEntity):
    """A switch of a board."""

    entity_description: AccountSwitchDescription[Any]

    @property
    @override
    def value(self) -> bool:
        """Return whether the board may do it."""
        return self.entity_description.value_fn(self.hub)

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the board may do it."""
        return self.value

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Let the board do it."""
        self.entity_description.set_fn(self.hub, True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Let the board do it no more."""
        self.entity_description.set_fn(self.hub, False)
