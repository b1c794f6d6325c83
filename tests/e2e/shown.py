"""What a demo's Home Assistant shows of its homes."""

from typing import Any

from demo.api import Api
from demo.energy import HomeEntities, find_entities, state_of
from demo.folder import DOMAIN
from demo.forms import entry_ids
from demo.rooms import RoomEntity, find_rooms
from demo.run import FIRST_POWER_SECONDS, HOMES
from demo.wait import until
from tests.e2e.running import logged_in

GRID_METERS = {"Elm Street": "710001", "Mill Cottage": "720001"}
LOADER = "[homeassistant.loader] We found a custom integration energy_homes"


async def entities(api: Api) -> dict[str, HomeEntities]:
    """Return the entities of both homes."""
    ids = await entry_ids(api)
    found = await find_entities(api, {label: ids[label] for label in HOMES})
    return {home.label: home for home in found}


async def heated_rooms(api: Api) -> list[RoomEntity]:
    """Return the heated rooms of both homes."""
    ids = await entry_ids(api)
    return await find_rooms(api, {label: ids[label] for label in HOMES})


async def registered(api: Api, platform: str, ending: str) -> list[dict[str, Any]]:
    """Return the states of our enabled entities whose unique ids end so."""
    return [
        await api.get(f"states/{entity['entity_id']}")
        for entity in await api.command("config/entity_registry/list")
        if entity["platform"] == DOMAIN
        and entity["entity_id"].startswith(f"{platform}.")
        and entity["unique_id"].endswith(ending)
        and entity["disabled_by"] is None
    ]


async def powers(api: Api, homes: dict[str, HomeEntities]) -> list[float]:
    """Wait until every home shows a power, and return them."""

    async def all_there() -> list[float] | None:
        """Return the powers once none is missing."""
        found = [await state_of(api, home.power) for home in homes.values()]
        there = [power for power in found if power is not None]
        return there if len(there) == len(homes) else None

    return await until(all_there, "the power of each home", seconds=FIRST_POWER_SECONDS)


async def nothing_to_do(url: str) -> None:
    """See that no repair is open, and that no flow waits: an assignment, a reauthentication."""
    async with Api(url) as api:
        await logged_in(api)
        issues = (await api.command("repairs/list_issues"))["issues"]
        assert [issue for issue in issues if not issue["ignored"]] == []
        flows = await api.command("config_entries/flow/progress")
        assert [flow for flow in flows if flow["handler"] == DOMAIN] == []
