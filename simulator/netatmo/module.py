"""The vendor's devices in a home: what they are and how they fare."""

from dataclasses import dataclass
from typing import Any

from simulator.netatmo.plan import made_address
from simulator.noise import mix_seed

PREFIXES = {
    "NAPlug": "70:ee:50",
    "OTH": "70:ee:50",
    "NATherm1": "04:00:00",
    "NRV": "09:00:00",
    "OTM": "04:00:00",
    "BNS": "10:20:30",
    "NACamera": "70:ee:50",
}
FIRMWARE = {
    "NAPlug": 174,
    "OTH": 22,
    "NATherm1": 65,
    "NRV": 79,
    "OTM": 6,
    "BNS": 32,
    "NACamera": 1002000,
}
NAMES = {
    "NAPlug": "Relay",
    "OTH": "Modulating relay",
    "NATherm1": "Thermostat",
    "NRV": "Valve",
    "OTM": "Modulating thermostat",
    "BNS": "Smarther",
    "NACamera": "Camera",
}
THERMOSTAT_LEVELS = ((4100, "full"), (3600, "high"), (3300, "medium"), (3000, "low"))
VALVE_LEVELS = ((3000, "full"), (2700, "high"), (2400, "medium"), (2200, "low"))
FRESH_MV = {"NATherm1": 4400, "OTM": 4400, "NRV": 3200}
SPENT_MV_PER_DAY = {"NATherm1": 1.5, "OTM": 1.5, "NRV": 0.8}
MS_PER_DAY = 86_400_000
WITH_BOILER = {"NATherm1", "OTM", "BNS"}
GATEWAYS = {"NAPlug", "OTH"}
ON_MAINS = GATEWAYS | {"BNS", "NACamera"}


@dataclass
class Module:
    """A device; those without a bridge are on the net themselves."""

    id: str
    type: str
    name: str
    room_id: str | None
    bridge: str | None
    since_ms: int
    reachable: bool = True
    battery_mv: int | None = None
    """Given by hand; else it is spent as time goes by."""
    firmware: int | None = None

    @property
    def gateway(self) -> bool:
        """Tell whether others reach the cloud through it."""
        return self.type in GATEWAYS

    def battery(self, now_ms: int) -> int | None:
        """Return the battery's millivolts, None on mains."""
        if self.type in ON_MAINS:
            return None
        if self.battery_mv is not None:
            return self.battery_mv
        days = max(now_ms - self.since_ms, 0) / MS_PER_DAY
        fresh = FRESH_MV[self.type] - mix_seed(self.id, "battery") % 150
        return round(fresh - days * SPENT_MV_PER_DAY[self.type])

    def topology(self) -> dict[str, Any]:
        """Return what homesdata says of the device."""
        fields: dict[str, Any] = {
            "id": self.id,
            "type": self.type,
            "name": self.name,
            "setup_date": self.since_ms // 1000,
        }
        if self.room_id is not None:
            fields["room_id"] = self.room_id
        if self.bridge is not None:
            fields["bridge"] = self.bridge
        return fields

    def status(
        self, now_ms: int, *, boiler: bool, anticipating: bool
    ) -> dict[str, Any]:
        """Return what homestatus says of the device."""
        fields: dict[str, Any] = {"id": self.id, "type": self.type}
        if self.bridge is not None:
            fields["bridge"] = self.bridge
        if not self.reachable:
            return fields | {"reachable": False}
        fields["firmware_revision"] = self.firmware or FIRMWARE[self.type]
        if self.type in ON_MAINS:
            fields["wifi_strength"] = 40 + mix_seed(self.id, "wifi") % 30
        if self.type == "NAPlug":
            fields["rf_strength"] = 107
        if (battery := self.battery(now_ms)) is not None:
            fields |= {
                "reachable": True,
                "rf_strength": 50 + mix_seed(self.id, "radio") % 25,
                "battery_level": battery,
                "battery_state": battery_state(self.type, battery),
            }
        if self.type in WITH_BOILER:
            fields["boiler_status"] = boiler
            fields["boiler_valve_comfort_boost"] = False
        if self.type == "NATherm1":
            fields["anticipating"] = anticipating
        return fields


def battery_state(kind: str, millivolts: int) -> str:
    """Return the vendor's word for a battery's voltage."""
    levels = VALVE_LEVELS if kind == "NRV" else THERMOSTAT_LEVELS
    return next((word for least, word in levels if millivolts >= least), "very_low")


def make_module(
    kind: str,
    home: str,
    place: str,
    number: int,
    *,
    room_id: str | None,
    bridge: str | None,
    since_ms: int,
) -> Module:
    """Return the `number`th device of its kind in a place."""
    name = NAMES[kind] if kind in GATEWAYS else f"{place} {NAMES[kind].lower()}"
    return Module(
        id=made_address(PREFIXES[kind], kind, home, place, str(number)),
        type=kind,
        name=name if number == 1 else f"{name} {number}",
        room_id=room_id,
        bridge=None if kind in ON_MAINS else bridge,
        since_ms=since_ms,
    )
