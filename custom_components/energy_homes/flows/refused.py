"""An input that a flow cannot take, and how it is told."""

from collections.abc import Mapping
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN

BASE: Final = "base"
"""The field of an error that belongs to the whole form."""


class Refused(Exception):
    """An input that cannot be taken; the flow shows why and goes on.

    `key` is the error's translation key, `field` the form's field that it belongs to.
    No placeholder holds a credential.
    """

    def __init__(self, key: str, field: str = BASE, **placeholders: str) -> None:
        """Store what the form shows."""
        super().__init__(key)
        self.key = key
        self.field = field
        self.placeholders: Mapping[str, str] = placeholders

    @property
    def errors(self) -> dict[str, str]:
        """Return the form's errors."""
        return {self.field: self.key}

    async def async_message(self, hass: HomeAssistant) -> str:
        """Return the text that the form would show."""
        texts = await async_get_translations(
            hass, hass.config.language, "config", [DOMAIN]
        )
        text = texts[f"component.{DOMAIN}.config.error.{self.key}"]
        return text.format(**self.placeholders)
