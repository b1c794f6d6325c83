"""Steps that the flows' tests have in common."""

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

from homeassistant.config_entries import (
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigFlowResult,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from custom_components import energy_homes
from custom_components.energy_homes.const import DOMAIN, SUBENTRY_METER
from custom_components.energy_homes.models import MeterSource

TEXTS = json.loads(
    Path(energy_homes.__file__)
    .with_name("translations")
    .joinpath("en.json")
    .read_text()
)

POWER = {"unit_of_measurement": "W", "device_class": "power"}

ELM_ACCOUNT = "efergy_e1a5713ee7000000000000000000e1a5"
ELM_GRID = "710001"
ELM_SOLAR = "710002"
MILL_ACCOUNT = "efergy_0311c077a9e000000000000000000311"
MILL_GRID = "720001"
TERRACE_ACCOUNT = "efergy_7e44ace0000000000000000000007e44"


def read_texts(kind: str, result: Mapping[str, Any]) -> None:
    """Read every text that the frontend shows with a result, placeholders filled in.

    Raises KeyError where a text or a placeholder is missing.
    """
    texts = TEXTS if kind in {"config", "options"} else TEXTS["config_subentries"]
    texts = texts[kind]
    named = placeholders(result)
    shown: list[str] = []
    if result["type"] is FlowResultType.ABORT and "translation_domain" not in result:
        shown.append(texts["abort"][result["reason"]])
    if result["type"] in (FlowResultType.FORM, FlowResultType.MENU):
        step = texts["step"][result["step_id"]]
        shown += [step["title"], step.get("description", "")]
        shown += [step["menu_options"][item] for item in result.get("menu_options", ())]
    if result["type"] is FlowResultType.FORM:
        for field in result["data_schema"].schema:
            shown += [step["data"][field], step["data_description"][field]]
        shown += [texts["error"][key] for key in (result.get("errors") or {}).values()]
    for text in shown:
        text.format(**named)


async def start(hass: HomeAssistant, item: str) -> ConfigFlowResult:
    """Start a flow and choose an item of its menu."""
    menu = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == [
        "home",
        "efergy",
        "netatmo",
        "pulse_board",
        "particle",
    ]
    read_texts("config", menu)
    form = await hass.config_entries.flow.async_configure(
        menu["flow_id"], {"next_step_id": item}
    )
    read_texts("config", form)
    return form


async def submit(
    hass: HomeAssistant, form: ConfigFlowResult, **fields: Any
) -> ConfigFlowResult:
    """Fill in a form."""
    assert form["type"] is FlowResultType.FORM
    read_texts("config", form)
    result = await hass.config_entries.flow.async_configure(form["flow_id"], fields)
    read_texts("config", result)
    await hass.async_block_till_done()
    return result


async def next_form(hass: HomeAssistant, result: Mapping[str, Any]) -> ConfigFlowResult:
    """Return the form that follows a finished flow, as the frontend asks for it."""
    kind, flow_id = result["next_flow"]
    assert kind == "config_flow"
    return await hass.config_entries.flow.async_configure(flow_id)


async def start_meter(hass: HomeAssistant, home: ConfigEntry) -> SubentryFlowResult:
    """Start to add a meter to a home."""
    return await hass.config_entries.subentries.async_init(
        (home.entry_id, SUBENTRY_METER), context={"source": SOURCE_USER}
    )


async def start_change(
    hass: HomeAssistant, home: ConfigEntry, item: str
) -> SubentryFlowResult:
    """Start to change a home's only meter, and choose an item of the menu."""
    (subentry_id,) = home.subentries
    menu = await hass.config_entries.subentries.async_init(
        (home.entry_id, SUBENTRY_METER),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id},
    )
    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == ["edit", "replace"]
    read_texts(SUBENTRY_METER, menu)
    return await hass.config_entries.subentries.async_configure(
        menu["flow_id"], {"next_step_id": item}
    )


async def submit_meter(
    hass: HomeAssistant, form: SubentryFlowResult, **fields: Any
) -> SubentryFlowResult:
    """Fill in a form of a meter."""
    assert form["type"] is FlowResultType.FORM
    read_texts(SUBENTRY_METER, form)
    result = await hass.config_entries.subentries.async_configure(
        form["flow_id"], fields
    )
    read_texts(SUBENTRY_METER, result)
    await hass.async_block_till_done()
    return result


async def import_homes(
    hass: HomeAssistant, *items: dict[str, Any]
) -> list[dict[str, Any]]:
    """Import homes; return what became of each."""
    answer = await hass.services.async_call(
        DOMAIN,
        "import_homes",
        {"homes": list(items)},
        blocking=True,
        return_response=True,
    )
    await hass.async_block_till_done()
    assert answer is not None
    results: Any = answer["homes"]
    return list(results)


def sources(home: ConfigEntry) -> list[MeterSource]:
    """Return the meters of a home."""
    return [MeterSource.from_subentry(s) for s in home.subentries.values()]


def homes(hass: HomeAssistant) -> dict[str, ConfigEntry]:
    """Return the homes by label."""
    return {
        entry.title: entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.data.get("kind") == "home"
    }


def discovered(hass: HomeAssistant) -> list[str]:
    """Return the ids of the meters that stand as discovered items."""
    return sorted(
        flow["context"]["unique_id"] or ""
        for flow in hass.config_entries.flow.async_progress_by_handler(
            DOMAIN, match_context={"source": SOURCE_INTEGRATION_DISCOVERY}
        )
    )


def suggested(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form suggests, by field."""
    return {
        str(field): field.description["suggested_value"]
        for field in form["data_schema"].schema
        if field.description and "suggested_value" in field.description
    }


def placeholders(result: Mapping[str, Any]) -> dict[str, str]:
    """Return what a form or an end of a flow names."""
    return dict(result.get("description_placeholders") or {})


def state(hass: HomeAssistant, entity_id: str) -> str:
    """Return the state of an entity."""
    found = hass.states.get(entity_id)
    assert found is not None
    return found.state


def choices(form: Mapping[str, Any], field: str) -> list[str]:
    """Return the values that a field offers."""
    options = form["data_schema"].schema[field].config["options"]
    return [
        option if isinstance(option, str) else option["value"] for option in options
    ]
