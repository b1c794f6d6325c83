"""Switches: of a home's backfill, and of what a board may do."""

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
from .entity import BackfillEntity, BoardEntity
from .history.backfill import DATA_BACKFILL, Backfill
from .history.jobs import BackfillJobs
from .homes.home import Home

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class BackfillSwitchDescription(SwitchEntityDescription):
    """A switch of a home's backfill, by the home's id."""

    value_fn: Callable[[BackfillJobs, str], bool]


BACKFILL_SWITCHES: tuple[BackfillSwitchDescription, ...] = (
    BackfillSwitchDescription(
        key="import_history",
        translation_key="import_history",
        entity_category=EntityCategory.CONFIG,
        value_fn=lambda jobs, home_id: jobs.active(home_id),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switches of a home or a board."""
    if isinstance(home := entry.runtime_data, Home):
        backfill = hass.data[DATA_BACKFILL]
        async_add_entities(
            BackfillSwitch(home, backfill, one) for one in BACKFILL_SWITCHES
        )
        return
    async_add_entities(BoardSwitch(entry, one) for one in kind_of(entry).switches)


class BackfillSwitch(BackfillEntity, SwitchEntity):
    """Whether a home is being backfilled; off stops after the present step."""

    entity_description: BackfillSwitchDescription

    def __init__(
        self, home: Home, backfill: Backfill, description: BackfillSwitchDescription
    ) -> None:
        """Follow the jobs of a backfill, and order them."""
        super().__init__(home, backfill.jobs, description)
        self.backfill = backfill

    @property
    @override
    def is_on(self) -> bool:
        """Return whether an import is under way, or waits for something."""
        return self.entity_description.value_fn(self.jobs, self.home.home_id)

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
