"""What Netatmo's types of modules are. Pure."""

from typing import Final

from ..model import ModuleTraits
from .battery import battery_percent
from .model import GATEWAY_TYPES, THERMOSTAT_TYPES

MODELS: Final = {
    "NAPlug": "Smart Thermostat relay",
    "NATherm1": "Smart Thermostat",
    "NRV": "Smart Radiator Valve",
    "OTH": "Smart Modulating Thermostat relay",
    "OTM": "Smart Modulating Thermostat",
    "BNS": "Smarther with Netatmo",
}
"""What the vendor calls its types."""

WIFI_TYPES: Final = GATEWAY_TYPES | {"BNS"}


def module_traits(module_type: str) -> ModuleTraits:
    """Return what a type of module is."""
    return ModuleTraits(
        model=MODELS.get(module_type),
        battery=battery_percent(module_type, 0) is not None,
        wifi=module_type in WIFI_TYPES,
        boiler=module_type in THERMOSTAT_TYPES,
    )
