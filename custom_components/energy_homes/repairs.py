"""Fix flows: a source that went missing leads into its replacement."""

from typing import Any

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.components.repairs.const import FlowType
from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import voluptuous as vol

from .const import SUBENTRY_HEATING, SUBENTRY_METER, SUBENTRY_SENSORS
from .watch.missing import ISSUES

NEXT = {
    SUBENTRY_METER: "replace_meter",
    SUBENTRY_HEATING: "replace_heating",
    SUBENTRY_SENSORS: "replace_sensors",
}
"""How a fix of what is missing ends, by the kind of it."""


class SourceMissingFlow(RepairsFlow):
    """Leads from a missing meter, heating or host of sensors into its replacement."""

    def __init__(self, entry_id: str, subentry_id: str) -> None:
        """Remember what is missing of which home."""
        self._entry_id = entry_id
        self._subentry_id = subentry_id

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Begin with what happened."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Say what happened, then go on to the replacement.

        The issue stays until what is missing is replaced, or back.
        """
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or self._subentry_id not in entry.subentries:
            return self.async_create_entry(data={})
        if user_input is not None:
            flows = self.hass.config_entries.subentries
            kind = entry.subentries[self._subentry_id].subentry_type
            flow = await flows.async_init(
                (self._entry_id, kind),
                context={
                    "source": SOURCE_RECONFIGURE,
                    "subentry_id": self._subentry_id,
                },
            )
            shown = await flows.async_configure(
                flow["flow_id"], {"next_step_id": "replace"}
            )
            if shown["type"] is not FlowResultType.FORM:
                return self.async_abort(reason=str(shown["reason"]))
            return self.async_abort(
                reason=NEXT[kind],
                next_flow=(FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"]),
            )
        issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            description_placeholders=issue.translation_placeholders if issue else None,
        )


async def async_create_fix_flow(
    hass: HomeAssistant,
    issue_id: str,
    data: dict[str, str | int | float | None] | None,
) -> RepairsFlow:
    """Return the flow that fixes an issue."""
    if data is not None and issue_id.startswith(ISSUES):
        return SourceMissingFlow(str(data["entry_id"]), str(data["subentry_id"]))
    return ConfirmRepairFlow()
