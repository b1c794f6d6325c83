"""The control endpoints: truth, faults, calls, clock, meters and reset."""

from collections import defaultdict
from typing import Any

from aiohttp import web

from simulator.boards.control import board_truth
from simulator.faults import ActiveFault, Fault
from simulator.home import kwh
from simulator.meter import Meter, Role
from simulator.particle.published import particle_truth
from simulator.scenario import AccountPlan, MeterPlan
from simulator.wire import read_order
from simulator.world import Account, World

HOUR_MS = 3_600_000

type Json = dict[str, Any]


class Control:
    """Let a test or a person look behind the clouds and turn their knobs."""

    def __init__(self, world: World) -> None:
        """Take the world to control."""
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the control endpoints."""
        return [
            web.get("/_control/truth", self._truth),
            web.get("/_control/faults", self._faults),
            web.post("/_control/faults", self._add_fault),
            web.delete("/_control/faults", self._clear_faults),
            web.get("/_control/calls", self._calls),
            web.delete("/_control/calls", self._clear_calls),
            web.get("/_control/clock", self._clock),
            web.post("/_control/clock", self._move_clock),
            web.post("/_control/meters", self._change_meter),
            web.get("/_control/accounts", self._accounts),
            web.post("/_control/accounts", self._add_account),
            web.post("/_control/reset", self._reset),
        ]

    async def _truth(self, request: web.Request) -> web.Response:
        """Tell what is true, and what the meters published."""
        now_ms = self._world.clock.now_ms
        to_ms = int(request.query.get("to_ms", now_ms + 1))
        from_ms = int(request.query.get("from_ms", to_ms - HOUR_MS))
        homes: defaultdict[str, Json] = defaultdict(
            lambda: {
                "power_w": 0.0,
                "energy_kwh": 0.0,
                "temperatures": {},
                "meters": {},
            }
        )
        for account in self._world.accounts.values():
            for meter in account.meters:
                truth = _meter_truth(account, meter, from_ms, to_ms, now_ms)
                home = homes[meter.home]
                home["meters"][meter.sid] = truth
                if meter.role is Role.GRID:
                    home["power_w"] += truth["power_w"] * meter.listed(now_ms)
                    home["energy_kwh"] += truth["energy_kwh"]
        for name, truth in board_truth(self._world, from_ms, to_ms).items():
            homes[name] |= truth
        for name, boards in particle_truth(
            self._world, from_ms, to_ms, published=request.query.get("published") != "0"
        ).items():
            homes[name]["boards"] = boards
        answer: Json = {"now_ms": now_ms, "homes": homes}
        if request.query.get("temperatures") != "0":
            answer["outdoor"] = self._world.netatmo.outdoor(now_ms)
            for _, heated in self._world.netatmo.homes():
                homes[heated.name]["temperatures"] = heated.truth(now_ms)
        return web.json_response(answer)

    async def _faults(self, _request: web.Request) -> web.Response:
        """List active faults and all names."""
        return self._fault_list()

    async def _add_fault(self, request: web.Request) -> web.Response:
        """Add a fault."""
        order = await read_order(request)
        if (kind := order.get("fault")) not in set(Fault):
            raise web.HTTPBadRequest(text=f"fault must be one of {', '.join(Fault)}")
        count = order.get("count")
        if count is not None and count < 1:
            raise web.HTTPBadRequest(text="count must be at least 1, or null")
        self._world.faults.add(
            ActiveFault(
                Fault(kind),
                command=order.get("command"),
                token=order.get("token"),
                count=count,
                seconds=order.get("seconds"),
            )
        )
        return self._fault_list()

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        """End all faults."""
        self._world.faults.clear()
        return self._fault_list()

    def _fault_list(self) -> web.Response:
        """Return what GET faults answers."""
        faults = self._world.faults
        return web.json_response(
            {
                "active": [fault.as_json() for fault in faults.active],
                "held": faults.held,
                "names": list(Fault),
            }
        )

    async def _calls(self, _request: web.Request) -> web.Response:
        """Tell what was asked of the clouds."""
        return self._call_list()

    async def _clear_calls(self, _request: web.Request) -> web.Response:
        """Forget what was asked."""
        self._world.calls.clear()
        self._world.netatmo.calls.clear()
        return self._call_list()

    def _call_list(self) -> web.Response:
        """Return what GET calls answers."""
        calls = self._world.calls.as_json()
        return web.json_response(
            calls | {"netatmo": self._world.netatmo.calls.as_json()}
        )

    async def _clock(self, _request: web.Request) -> web.Response:
        """Tell the simulated time."""
        return self._time()

    async def _move_clock(self, request: web.Request) -> web.Response:
        """Step, set, freeze or release the clock."""
        order = await read_order(request)
        clock = self._world.clock
        if "running" in order:
            clock.run(bool(order["running"]))
        if "set_ms" in order:
            clock.set(int(order["set_ms"]))
        if "step_ms" in order:
            clock.step(int(order["step_ms"]))
        return self._time()

    def _time(self) -> web.Response:
        """Return what GET clock answers."""
        clock = self._world.clock
        return web.json_response({"now_ms": clock.now_ms, "running": clock.running})

    async def _change_meter(self, request: web.Request) -> web.Response:
        """Add, remove, silence or wake a meter."""
        order = await read_order(request)
        account = self._world.accounts.get(order.get("token", ""))
        if account is None:
            raise web.HTTPNotFound(text="no such account")
        at_ms = int(order.get("at_ms", self._world.clock.now_ms))
        sid = str(order["sid"])
        if order.get("action") == "add":
            self._world.add_meter(account, _meter_plan(order, account.hid), at_ms)
            return self._account_list()
        if (meter := account.find(sid)) is None:
            raise web.HTTPNotFound(text="no such meter")
        match order.get("action"):
            case "remove":
                meter.remove(at_ms)
            case "silence":
                meter.silence(at_ms)
            case "wake":
                meter.wake(at_ms)
            case _:
                raise web.HTTPBadRequest(
                    text="action must be add, remove, silence or wake"
                )
        return self._account_list()

    async def _accounts(self, _request: web.Request) -> web.Response:
        """List accounts."""
        return self._account_list()

    async def _add_account(self, request: web.Request) -> web.Response:
        """Add an account with its meters."""
        order = await read_order(request)
        hid = str(order["hid"])
        meters = tuple(_meter_plan(meter, hid) for meter in order.get("meters", []))
        self._world.add_account(AccountPlan(str(order["token"]), hid, meters))
        return self._account_list()

    def _account_list(self) -> web.Response:
        """Return what GET accounts answers."""
        return web.json_response({"accounts": account_list(self._world)})

    async def _reset(self, request: web.Request) -> web.Response:
        """Go back to the beginning, frozen at `now_ms` where it is given."""
        order = await read_order(request)
        now_ms = order.get("now_ms")
        self._world.reset(None if now_ms is None else int(now_ms))
        return self._time()


def account_list(world: World) -> list[Json]:
    """Return the accounts with their homes and meters."""
    return [
        {
            "token": account.token,
            "hid": account.hid,
            "meters": [
                {"sid": meter.sid, "role": meter.role, "home": meter.home}
                for meter in account.listed(world.clock.now_ms)
            ],
        }
        for account in world.accounts.values()
    ]


def _meter_truth(
    account: Account, meter: Meter, from_ms: int, to_ms: int, now_ms: int
) -> Json:
    """Return what is true of one meter in [from_ms, to_ms)."""
    published = meter.published(from_ms, to_ms, now_ms)
    return {
        "token": account.token,
        "role": meter.role,
        "power_w": round(meter.watts(now_ms), 3),
        "energy_kwh": kwh(meter.energy(from_ms, to_ms)),
        "published": [[reading.stamp_ms, reading.watts] for reading in published],
    }


def _meter_plan(order: Json, hid: str) -> MeterPlan:
    """Return the meter that an order describes, in its own home by default."""
    return MeterPlan(
        sid=str(order["sid"]),
        role=Role(order.get("role", Role.GRID)),
        home=str(order.get("home", hid)),
        seed=int(order.get("seed", 1)),
        solar_peak_w=float(order.get("solar_peak_w", 0.0))
        or (3000.0 if order.get("role") == Role.GENERATION else 0.0),
    )
