"""What the simulated Netatmo cloud keeps over a restart: grants, and what homes are set to.

Rooms and meters need no memory: what happens in them follows from the seed.
"""

from dataclasses import asdict
import json
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from simulator.netatmo.home import Home
from simulator.netatmo.plan import Mode
from simulator.netatmo.settings import HomeMode, RoomOrder, WeekChoice
from simulator.world import World

type Json = dict[str, Any]


class Memory:
    """A file with what a world must not forget; written before an answer leaves."""

    def __init__(self, world: World, path: Path) -> None:
        """Take the world, and bring back what the file knows of it."""
        self._world = world
        self._path = path
        self._written = ""
        if path.exists():
            self._restore(json.loads(path.read_text("utf-8")))
        self.save()

    @web.middleware
    async def keep(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Save what a request has changed, before anybody hears of it."""
        try:
            return await handler(request)
        finally:
            self.save()

    def save(self) -> None:
        """Write the file where something has changed."""
        text = json.dumps(self._data(), indent=1)
        if text == self._written:
            return
        new = self._path.with_suffix(".new")
        new.write_text(text, "utf-8")
        new.replace(self._path)
        self._written = text

    def _data(self) -> Json:
        """Return what is to be kept."""
        state = self._world.netatmo
        return {
            "tokens": state.tokens.as_data(),
            "homes": {home.id: _home_data(home) for _, home in state.homes()},
        }

    def _restore(self, data: Json) -> None:
        """Bring back grants and settings; what is gone from the scenario is left out."""
        state = self._world.netatmo
        state.tokens.restore(data["tokens"])
        for _, home in state.homes():
            if (known := data["homes"].get(home.id)) is not None:
                _restore_home(home, known)


def _home_data(home: Home) -> Json:
    """Return what was ordered in a home."""
    return {
        "modes": [asdict(mode) for mode in home.settings.modes],
        "choices": [asdict(choice) for choice in home.settings.choices],
        "rooms": {
            room.id: [asdict(order) for order in room.settings.orders]
            for room in home.rooms
        },
    }


def _restore_home(home: Home, data: Json) -> None:
    """Order again what was ordered in a home."""
    for mode in data["modes"]:
        home.set_mode(HomeMode(**mode | {"mode": Mode(mode["mode"])}))
    for choice in data["choices"]:
        home.choose_week(WeekChoice(**choice))
    for room_id, orders in data["rooms"].items():
        if (room := home.room(room_id)) is not None:
            for order in orders:
                home.order(room, RoomOrder(**order | {"mode": Mode(order["mode"])}))
