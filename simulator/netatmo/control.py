"""The control endpoints of the heated homes: `/_control/netatmo...`."""

from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from simulator.netatmo.home import Home
from simulator.netatmo.plan import VALVE, HomePlan, Mode, RoomPlan, UserPlan
from simulator.netatmo.room import Room
from simulator.netatmo.settings import HomeMode, RoomOrder, WeekChoice
from simulator.netatmo.state import NetatmoState, User
from simulator.netatmo.tokens import HEATING_SCOPE, Grant
from simulator.thermal.model import RoomShape
from simulator.thermal.weather import Facade
from simulator.wire import read_order
from simulator.world import World

ADDED_HISTORY_DAYS = 7

type Json = dict[str, Any]


class NetatmoControl:
    """Let a test or a person move windows, relays, accounts and limits."""

    def __init__(self, world: World) -> None:
        """Take the world to control."""
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the control endpoints."""
        return [
            web.get("/_control/netatmo", self._show),
            web.post("/_control/netatmo/settings", self._change_settings),
            web.post("/_control/netatmo/accounts", self._add_account),
            web.post("/_control/netatmo/homes", self._change_home),
            web.post("/_control/netatmo/rooms", self._change_room),
            web.post("/_control/netatmo/modules", self._change_module),
            web.post("/_control/netatmo/tokens", self._change_tokens),
        ]

    async def _show(self, _request: web.Request) -> web.Response:
        """Tell what there is."""
        state, now_ms = self._state, self._now_ms
        return web.json_response(
            {
                "now_ms": now_ms,
                "clients": state.tokens.secrets,
                "quotas": asdict(state.limits.quotas),
                "used": state.limits.as_json(now_ms),
                "setpoint_delay_ms": state.setpoint_delay_ms,
                "approves": state.approves,
                "users": {
                    user.email: {
                        "id": user.id,
                        "refresh_tokens": state.tokens.current(user.email),
                        "homes": [_home(home, now_ms) for home in user.homes],
                    }
                    for user in state.users.values()
                },
            }
        )

    async def _change_settings(self, request: web.Request) -> web.Response:
        """Change limits, delays, and what the authorize page does."""
        order = await read_order(request)
        state = self._state
        if (quotas := order.get("quotas")) is not None:
            state.limits.quotas = replace(state.limits.quotas, **quotas)
        if "setpoint_delay_ms" in order:
            state.setpoint_delay_ms = int(order["setpoint_delay_ms"])
        if "rotates" in order:
            state.tokens.rotates = bool(order["rotates"])
        if "access_s" in order:
            state.tokens.access_s = int(order["access_s"])
        for name in ("approves", "signed_in"):
            if name in order:
                if order[name] is not None:
                    self._user(order[name])
                setattr(state, name, order[name])
        if (client := order.get("client")) is not None:
            state.tokens.secrets[str(client["id"])] = str(client["secret"])
        if (spent := order.get("spend")) is not None:
            state.limits.spend(
                self._now_ms,
                str(spent["user"]),
                str(spent.get("client_id") or next(iter(state.tokens.secrets))),
                int(spent["calls"]),
            )
        return self._done()

    async def _add_account(self, request: web.Request) -> web.Response:
        """Add an account with homes."""
        order = await read_order(request)
        client_id = order.get("client_id") or next(iter(self._state.tokens.secrets))
        homes = tuple(_home_plan(home) for home in order.get("homes", []))
        for home in homes:
            self._refuse_known(home)
        self._state.add_user(
            UserPlan(str(order["user"]), str(order["refresh_token"]), homes),
            self._now_ms,
            str(client_id),
        )
        return self._done()

    async def _change_home(self, request: web.Request) -> web.Response:
        """Add, remove or rename a home, change its mode, or cut it off."""
        order = await read_order(request)
        match order.get("action"):
            case "add":
                plan = _home_plan(order["home"])
                self._refuse_known(plan)
                self._state.add_home(self._user(order["user"]), plan, self._now_ms)
                return self._done()
            case "remove":
                home = self._home(order)
                for user in self._state.users.values():
                    user.homes = [known for known in user.homes if known is not home]
                return self._done()
        home, at_ms = self._home(order), self._at_ms(order)
        match order.get("action"):
            case "rename":
                home.name = str(order["name"])
            case "replace_gateway":
                home.replace_gateway(at_ms)
            case "offline":
                home.offline.add(at_ms, 1.0)
            case "online":
                home.offline.add(at_ms, None)
            case "mode":
                home.set_mode(HomeMode(at_ms, Mode(order["mode"]), order.get("end_s")))
            case "schedule":
                names = [week.name for week in home.plan.weeks]
                home.choose_week(WeekChoice(at_ms, names.index(order["schedule"])))
            case _:
                raise web.HTTPBadRequest(
                    text="action must be add, remove, rename, replace_gateway, "
                    "offline, online, mode or schedule"
                )
        return self._done()

    async def _change_room(self, request: web.Request) -> web.Response:
        """Open a window, let people in, turn the wheel, add or remove a room."""
        order = await read_order(request)
        home, at_ms = self._home(order), self._at_ms(order)
        if order.get("action") == "add":
            home.add_room(_room_plan(order["room"]), at_ms)
            return self._done()
        room = home.room(str(order["room"]))
        if room is None:
            raise web.HTTPNotFound(text="no such room")
        if order.get("action") == "remove":
            home.remove_room(room)
            return self._done()
        for name, touches in (
            ("window", room.window),
            ("people", room.people),
            ("extra_w", room.extra_w),
        ):
            if name in order:
                value = order[name]
                touches.add(at_ms, None if value is None else float(value))
                room.disturb(at_ms)
        if "reachable" in order:
            room.reachable = bool(order["reachable"])
        if "anticipating" in order:
            room.anticipating = bool(order["anticipating"])
        if "mode" in order:
            home.order(
                room,
                RoomOrder(
                    at_ms,
                    Mode(order["mode"]),
                    float(order.get("temperature", 0.0)),
                    order.get("end_s"),
                ),
            )
        return self._done()

    async def _change_module(self, request: web.Request) -> web.Response:
        """Drain, silence or update a module."""
        order = await read_order(request)
        module = self._home(order).module(str(order["module"]))
        if module is None:
            raise web.HTTPNotFound(text="no such module")
        if "reachable" in order:
            module.reachable = bool(order["reachable"])
        if "battery_mv" in order:
            module.battery_mv = order["battery_mv"]
        if "firmware" in order:
            module.firmware = order["firmware"]
        return self._done()

    async def _change_tokens(self, request: web.Request) -> web.Response:
        """Issue, expire or revoke the tokens of a user."""
        order = await read_order(request)
        tokens, email = self._state.tokens, self._user(order["user"]).email
        match order.get("action", "issue"):
            case "issue":
                client_id = order.get("client_id") or next(iter(tokens.secrets))
                scope = tuple(order.get("scope", HEATING_SCOPE))
                grant = Grant(email, str(client_id), scope)
                return web.json_response(tokens.issue(grant, self._now_ms))
            case "expire":
                tokens.expire(email)
            case "revoke":
                tokens.revoke(email)
            case _:
                raise web.HTTPBadRequest(text="action must be issue, expire or revoke")
        return self._done()

    def _done(self) -> web.Response:
        """Return what an order is answered with."""
        return web.json_response({"now_ms": self._now_ms})

    def _user(self, email: str) -> User:
        """Return an account."""
        if (user := self._state.users.get(email)) is None:
            raise web.HTTPNotFound(text="no such user")
        return user

    def _home(self, order: Json) -> Home:
        """Return the home an order is about."""
        if (home := self._state.find(str(order["home"]))) is None:
            raise web.HTTPNotFound(text="no such home")
        return home

    def _refuse_known(self, plan: HomePlan) -> None:
        """Refuse a home whose name another home was made with: ids follow from it."""
        if self._state.find(plan.id) is not None:
            raise web.HTTPConflict(text="there is such a home")

    def _at_ms(self, order: Json) -> int:
        """Return when an order takes effect."""
        return int(order.get("at_ms", self._now_ms))

    @property
    def _now_ms(self) -> int:
        """Return the simulated instant."""
        return self._world.clock.now_ms

    @property
    def _state(self) -> NetatmoState:
        """Return the vendor's state, a new one after each reset."""
        return self._world.netatmo


def _home(home: Home, now_ms: int) -> Json:
    """Return a home as the overview shows it."""
    return {
        "id": home.id,
        "name": home.name,
        "online": home.online(now_ms),
        "mode": home.settings.mode(now_ms).mode,
        "schedules": {
            home.week_id(place): week.name for place, week in enumerate(home.plan.weeks)
        },
        "rooms": [_room(room, now_ms) for room in home.rooms],
        "modules": [
            {"id": m.id, "type": m.type, "name": m.name, "room_id": m.room_id}
            for m in home.modules
        ],
    }


def _room(room: Room, now_ms: int) -> Json:
    """Return a room as the overview shows it."""
    setpoint = room.settings.at(now_ms)
    return {
        "id": room.id,
        "name": room.plan.name,
        "modules": list(room.plan.modules),
        "mode": setpoint.mode,
        "setpoint": setpoint.temperature,
        "start_s": setpoint.start_s,
        "end_s": setpoint.end_s,
    }


def _home_plan(order: Json) -> HomePlan:
    """Return the home that an order describes."""
    plan = HomePlan(
        name=str(order["name"]),
        rooms=tuple(_room_plan(room) for room in order.get("rooms", [])),
        gateway=order.get("gateway", "NAPlug"),
        others=tuple(order.get("others", ())),
        history_days=int(order.get("history_days", ADDED_HISTORY_DAYS)),
        default_minutes=int(order.get("default_minutes", 180)),
        timezone=str(order.get("timezone", "Europe/London")),
        listed_modules=bool(order.get("listed_modules", True)),
    )
    weeks = order.get("schedules")
    if weeks is None:
        return plan
    named = {week.name: week for week in plan.weeks}
    return replace(plan, weeks=tuple(named[name] for name in weeks))


def _room_plan(order: Json) -> RoomPlan:
    """Return the room that an order describes."""
    default = RoomPlan(str(order["name"]))
    return RoomPlan(
        name=default.name,
        modules=tuple(order.get("modules", (VALVE,))),
        type=str(order.get("type", default.type)),
        comfort=float(order.get("comfort", default.comfort)),
        night=float(order.get("night", default.night)),
        eco=float(order.get("eco", default.eco)),
        shape=RoomShape(
            floor_m2=float(order.get("floor_m2", default.shape.floor_m2)),
            heavy=bool(order.get("heavy", False)),
            facade=Facade(order.get("facade", Facade.SOUTH)),
        ),
    )
