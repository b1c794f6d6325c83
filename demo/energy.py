"""The Energy dashboard, and what Home Assistant shows of the homes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .api import Api
from .errors import DemoError
from .folder import DOMAIN
from .wait import until

ENTITIES_SECONDS = 180


@dataclass(frozen=True, kw_only=True)
class HomeEntities:
    """The entity ids that the Energy dashboard takes from one home."""

    label: str
    power: str
    energy: str
    generation_power: str | None = None
    generation_energy: str | None = None
    returned: str | None = None


async def find_entities(api: Api, homes: Mapping[str, str]) -> list[HomeEntities]:
    """Return the entities of homes, given as entry ids by label.

    A home's own entities are those that belong to none of its meters.
    """

    async def found() -> list[HomeEntities] | None:
        """Return the entities once each home has its own."""
        registry = await api.command("config/entity_registry/list")
        result = []
        for label, entry_id in homes.items():
            ids = {
                entity["translation_key"]: entity["entity_id"]
                for entity in registry
                if entity["platform"] == DOMAIN
                and entity["config_entry_id"] == entry_id
                and entity["config_subentry_id"] is None
            }
            if not {"power", "energy"} <= ids.keys():
                return None
            result.append(
                HomeEntities(
                    label=label,
                    power=ids["power"],
                    energy=ids["energy"],
                    generation_power=ids.get("generation_power"),
                    generation_energy=ids.get("generation_energy"),
                    returned=ids.get("energy_returned"),
                )
            )
        return result

    return await until(
        found, "power and energy entities of each home", seconds=ENTITIES_SECONDS
    )


async def ensure_dashboard(api: Api, homes: list[HomeEntities]) -> None:
    """Set the Energy dashboard up where nobody has done so yet."""
    try:
        if (await api.command("energy/get_prefs"))["energy_sources"]:
            return
    except DemoError:
        # "No prefs": nobody has opened the dashboard yet.
        pass
    await api.command(
        "energy/save_prefs",
        energy_sources=[_grid(home) for home in homes]
        + [_solar(home) for home in homes if home.generation_energy is not None],
    )


async def state_of(api: Api, entity_id: str) -> float | None:
    """Return an entity's number, or None where it has none now."""
    try:
        return float((await api.get(f"states/{entity_id}"))["state"])
    except DemoError, ValueError:
        return None


def _grid(home: HomeEntities) -> dict[str, Any]:
    """Return a home's grid consumption as the dashboard stores it."""
    return {
        "type": "grid",
        "name": home.label,
        "stat_energy_from": home.energy,
        "stat_energy_to": home.returned,
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": None,
        "stat_rate": home.power,
        "cost_adjustment_day": 0,
    }


def _solar(home: HomeEntities) -> dict[str, Any]:
    """Return a home's solar production as the dashboard stores it."""
    return {
        "type": "solar",
        "name": home.label,
        "stat_energy_from": home.generation_energy,
        "stat_rate": home.generation_power,
        "config_entry_solar_forecast": None,
    }
