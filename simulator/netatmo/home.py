"""A heated home of an account: rooms, modules and whether it is on the net."""

from simulator.netatmo.module import Module, make_module
from simulator.netatmo.plan import STATE_THERMOSTATS, HomePlan, RoomPlan
from simulator.netatmo.room import Room, Touches
from simulator.netatmo.settings import (
    MINUTE_MS,
    HomeMode,
    HomeSettings,
    RoomOrder,
    WeekChoice,
)
from simulator.noise import made_id
from simulator.thermal.weather import Weather


class Home:
    """Everything of a home that the cloud knows, and the truth behind it."""

    def __init__(
        self, plan: HomePlan, weather: Weather, seed: int, since_ms: int
    ) -> None:
        """Make the home, with a past that begins at an instant."""
        self.plan = plan
        self.id = plan.id
        self.name = plan.name
        self.since_ms = since_ms
        self.settings = HomeSettings(plan)
        self.offline = Touches()
        self.rooms: list[Room] = []
        self.modules: list[Module] = []
        self._weather = weather
        self._seed = seed
        self._gateway: Module | None = None
        if plan.gateway is not None:
            self._gateway = self._make_module(plan.gateway, "", None, since_ms)
        for kind in plan.others:
            self._make_module(kind, plan.name, None, since_ms)
        for room in plan.rooms:
            self.add_room(room, since_ms)

    @property
    def gateway(self) -> Module | None:
        """Return the relay, None in a home without one."""
        return self._gateway

    def add_room(self, plan: RoomPlan, since_ms: int) -> Room:
        """Add a room with its modules; it has been lived in since the beginning."""
        room = Room(
            plan, self.settings, self._weather, self._seed, self.since_ms // MINUTE_MS
        )
        if changes := list(self.settings.events()):
            room.disturb(min(changes))
        self.rooms.append(room)
        for kind in plan.modules:
            self._make_module(kind, plan.name, room.id, since_ms)
        return room

    def remove_room(self, room: Room) -> None:
        """Remove a room with its modules."""
        self.rooms.remove(room)
        self.modules = [m for m in self.modules if m.room_id != room.id]

    def replace_gateway(self, at_ms: int) -> None:
        """Put another relay in the place of the present one."""
        old = self._gateway
        if old is None:
            return
        self.modules.remove(old)
        number = 2 if old.name == "Relay" else int(old.name.split()[-1]) + 1
        self._gateway = make_module(
            old.type, self.name, "", number, room_id=None, bridge=None, since_ms=at_ms
        )
        self.modules.insert(0, self._gateway)
        for module in self.modules:
            if module.bridge == old.id:
                module.bridge = self._gateway.id

    def room(self, key: str) -> Room | None:
        """Return the room with an id or a name."""
        return next((r for r in self.rooms if key in {r.id, r.plan.name}), None)

    def module(self, key: str) -> Module | None:
        """Return the module with an id or a name."""
        return next((m for m in self.modules if key in {m.id, m.name}), None)

    def modules_of(self, room: Room) -> list[Module]:
        """Return the modules in a room."""
        return [module for module in self.modules if module.room_id == room.id]

    def week_id(self, week: int) -> str:
        """Return the id of a schedule by its place."""
        return made_id("schedule", self.name, str(week))

    def week_of(self, schedule_id: str) -> int | None:
        """Return the place of a schedule by its id."""
        ids = [self.week_id(week) for week in range(len(self.plan.weeks))]
        return ids.index(schedule_id) if schedule_id in ids else None

    def by_state(self, room: Room) -> bool:
        """Tell whether a room is set through `setstate` only.

        Rooms with an ordinary thermostat never are; rooms with valves are
        where the home has a modulating or a wall thermostat.
        """
        if "NATherm1" in room.plan.modules:
            return False
        types = {module.type for module in self.modules}
        return bool(types & STATE_THERMOSTATS) or not room.plan.valve

    def online(self, at_ms: int) -> bool:
        """Tell whether the gateway reaches the cloud."""
        return not self.offline.at(at_ms)

    def boiler(self, now_ms: int) -> bool:
        """Tell whether the boiler runs: any room that wants heat gets it."""
        return any(room.heat(now_ms) > 0 for room in self.rooms)

    def truth(self, now_ms: int) -> dict[str, dict[str, object]]:
        """Return what is true of each room, by its name."""
        return {room.plan.name: room.truth(now_ms) for room in self.rooms}

    def set_mode(self, mode: HomeMode) -> None:
        """Set the home's mode; it voids what rooms had."""
        self.settings.modes = [
            known for known in self.settings.modes if known.at_ms < mode.at_ms
        ]
        self.settings.modes.append(mode)
        self._disturb(mode.at_ms)

    def choose_week(self, choice: WeekChoice) -> None:
        """Select a schedule."""
        self.settings.choices = [
            known for known in self.settings.choices if known.at_ms < choice.at_ms
        ]
        self.settings.choices.append(choice)
        self._disturb(choice.at_ms)

    def order(self, room: Room, order: RoomOrder) -> None:
        """Set one room."""
        room.settings.orders = [
            known for known in room.settings.orders if known.at_ms < order.at_ms
        ]
        room.settings.orders.append(order)
        room.disturb(order.at_ms)

    def _disturb(self, at_ms: int) -> None:
        """Let all rooms part from their undisturbed past."""
        for room in self.rooms:
            room.disturb(at_ms)

    def _make_module(
        self, kind: str, place: str, room_id: str | None, since_ms: int
    ) -> Module:
        """Add a device, the next of its kind in a place."""
        known = [m for m in self.modules if m.type == kind and m.room_id == room_id]
        module = make_module(
            kind,
            self.name,
            place,
            len(known) + 1,
            room_id=room_id,
            bridge=None if self._gateway is None else self._gateway.id,
            since_ms=since_ms,
        )
        self.modules.append(module)
        return module
