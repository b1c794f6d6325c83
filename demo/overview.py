"""Home Assistant's first page, with the homes on it."""

from .api import Api
from .energy import HomeEntities

KEY = "home"


async def ensure_overview(api: Api, homes: list[HomeEntities]) -> None:
    """Make each home's power and energy favourites where nobody has chosen any yet."""
    if (await api.command("frontend/get_system_data", key=KEY))["value"]:
        return
    shown = [entity for home in homes for entity in (home.power, home.energy)]
    shown += [home.generation_power for home in homes if home.generation_power]
    await api.command(
        "frontend/set_system_data",
        key=KEY,
        value={
            "favorite_entities": shown,
            "hide_suggested_entities": True,
            "welcome_banner_dismissed": True,
        },
    )
