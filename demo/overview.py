"""Home Assistant's first page, with the homes on it."""

from .api import Api
from .energy import HomeEntities
from .rooms import RoomEntity

KEY = "home"


async def ensure_overview(
    api: Api, homes: list[HomeEntities], rooms: list[RoomEntity]
) -> None:
    """Make power, energy and thermostats favourites where nobody has chosen any yet."""
    if (await api.command("frontend/get_system_data", key=KEY))["value"]:
        return
    shown = [entity for home in homes for entity in (home.power, home.energy)]
    shown += [home.generation_power for home in homes if home.generation_power]
    shown += [room.climate for room in rooms]
    await api.command(
        "frontend/set_system_data",
        key=KEY,
        value={
            "favorite_entities": shown,
            "hide_suggested_entities": True,
            "welcome_banner_dismissed": True,
        },
    )
