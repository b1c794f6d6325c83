"""A part of a home, which is a subentry of it: its name, its data, and what its flows share."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigSubentry,
    ConfigSubentryData,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    DateSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)
from homeassistant.helpers.translation import async_get_translations
import voluptuous as vol

from ...const import (
    CONF_SINCE,
    DOMAIN,
    SUBENTRY_HEATING,
    SUBENTRY_METER,
    SUBENTRY_SENSORS,
)
from ...homes.inventory import free_name
from ...models import HeatingSource, MeterSource, SensorsSource
from ..forms import Fields
from ..refused import Refused
from .metering import async_today

type Part = MeterSource | HeatingSource | SensorsSource

_SUBENTRY_OF: Final[Mapping[type[Part], str]] = {
    MeterSource: SUBENTRY_METER,
    HeatingSource: SUBENTRY_HEATING,
    SensorsSource: SUBENTRY_SENSORS,
}
NONE_OF_THEM: Final = "none"
"""Choice of what a room or sensor on record is now: there is none any more."""

_NAME_OF: Final = {"heating": "heating_name", "sensors": "sensors_name"}


def part_data(part: Part) -> ConfigSubentryData:
    """Return a part as a new entry's subentry."""
    return ConfigSubentryData(
        data=part.as_data(),
        subentry_type=_SUBENTRY_OF[type(part)],
        title=part.name,
        unique_id=part.source_id,
    )


@callback
def add_part(hass: HomeAssistant, home: ConfigEntry, part: Part) -> None:
    """Add a part to a home that is there."""
    data = part_data(part)
    hass.config_entries.async_add_subentry(
        home,
        ConfigSubentry(
            data=MappingProxyType(data["data"]),
            subentry_type=data["subentry_type"],
            title=data["title"],
            unique_id=data["unique_id"],
        ),
    )


def names_in(home: ConfigEntry | None, *, but: str | None = None) -> list[str]:
    """Return the names of what a home has, but for one subentry's."""
    if home is None:
        return []
    return [
        subentry.title
        for subentry in home.subentries.values()
        if subentry.subentry_id != but
    ]


async def async_part_name(
    hass: HomeAssistant, what: str, taken: Iterable[str] = ()
) -> str:
    """Return a name for a home's `heating` or `sensors` that nothing else of it has."""
    texts = await async_get_translations(
        hass, hass.config.language, "selector", [DOMAIN]
    )
    key = _NAME_OF[what]
    return free_name(texts[f"component.{DOMAIN}.selector.{key}.options.{what}"], taken)


def refuse_part_name(name: str, taken: Iterable[str], home: ConfigEntry | None) -> None:
    """Raise Refused where something else of the home has the name."""
    if name.casefold() in {other.strip().casefold() for other in taken}:
        raise Refused(
            "duplicate_heating",
            CONF_NAME,
            name=name,
            home="" if home is None else home.title,
        )


class RefusingSubentryFlow(ConfigSubentryFlow):
    """A flow of a subentry whose forms say why something cannot be taken."""

    @property
    def _about(self) -> Mapping[str, str]:
        """Return what every form names: the home."""
        return {"home": self._get_entry().title}

    @callback
    def _form(
        self,
        step_id: str,
        schema: vol.Schema,
        refused: Refused | None,
        **placeholders: str,
    ) -> SubentryFlowResult:
        """Show a form."""
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema,
            errors=refused.errors if refused else None,
            description_placeholders={
                **self._about,
                **placeholders,
                **(refused.placeholders if refused else {}),
            },
        )


class PartSubentryFlow(RefusingSubentryFlow):
    """A flow of a part, `what` in texts, that offers `changes`; one is another name.

    A `choice` in a form is the field of the part's hardware.
    """

    what: ClassVar[str]
    changes: ClassVar[list[str]]

    async def _async_new_form(
        self,
        choice: Fields,
        user_input: Mapping[str, Any] | None,
        refused: Refused | None,
        *,
        more: Fields | None = None,
        suggested: Mapping[str, Any] | None = None,
    ) -> SubentryFlowResult:
        """Ask for the hardware of a new part and for a name, one of which is suggested."""
        name = await async_part_name(self.hass, self.what, names_in(self._get_entry()))
        fields = {**choice, vol.Optional(CONF_NAME): TextSelector(), **(more or {})}
        return self._form(
            "user",
            self.add_suggested_values_to_schema(
                vol.Schema(fields),
                user_input or {CONF_NAME: name, **(suggested or {})},
            ),
            refused,
        )

    async def _async_replace_form(
        self,
        choice: Fields,
        user_input: Mapping[str, Any] | None,
        refused: Refused | None,
    ) -> SubentryFlowResult:
        """Ask for the new hardware of a part, and since which day it counts."""
        today = await async_today(self._get_entry())
        fields = {**choice, vol.Required(CONF_SINCE, default=today): DateSelector()}
        return self._form(
            "replace",
            self.add_suggested_values_to_schema(vol.Schema(fields), user_input),
            refused,
            **{self.what: self._get_reconfigure_subentry().title},
        )

    @callback
    def _match_form(
        self,
        step_id: str,
        field: str,
        options: list[SelectOptionDict],
        texts: str,
        **placeholders: str,
    ) -> SubentryFlowResult:
        """Ask which of the new hardware's `options` one room or sensor on record is now."""
        none = SelectOptionDict(value=NONE_OF_THEM, label=NONE_OF_THEM)
        selector = SelectSelector(
            SelectSelectorConfig(options=[*options, none], translation_key=texts)
        )
        return self._form(
            step_id,
            vol.Schema({vol.Required(field): selector}),
            None,
            **{self.what: self._get_reconfigure_subentry().title},
            **placeholders,
        )

    @callback
    def _add(self, part: Part) -> SubentryFlowResult:
        """Add a new part to the home."""
        return self.async_create_entry(
            title=part.name, data=part.as_data(), unique_id=part.source_id
        )

    @callback
    def _store(self, part: Part, reason: str) -> SubentryFlowResult:
        """Store a part that was changed, and end with what was done."""
        return self.async_update_and_abort(
            self._get_entry(),
            self._get_reconfigure_subentry(),
            data=part.as_data(),
            reason=reason,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to change."""
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=self.changes,
            description_placeholders={
                **self._about,
                self.what: self._get_reconfigure_subentry().title,
            },
        )

    async def async_step_edit(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change the part's name."""
        entry = self._get_entry()
        subentry = self._get_reconfigure_subentry()
        refused: Refused | None = None
        if user_input is not None:
            others = names_in(entry, but=subentry.subentry_id)
            name = user_input.get(CONF_NAME, "").strip()
            if not name:
                name = await async_part_name(self.hass, self.what, others)
            try:
                refuse_part_name(name, others, entry)
            except Refused as err:
                refused = err
            else:
                return self.async_update_and_abort(entry, subentry, title=name)
        return self._form(
            "edit",
            self.add_suggested_values_to_schema(
                vol.Schema({vol.Optional(CONF_NAME): TextSelector()}),
                user_input or {CONF_NAME: subentry.title},
            ),
            refused,
            **{self.what: subentry.title},
        )
