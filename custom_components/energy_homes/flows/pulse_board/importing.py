"""Pulse boards of homes that are imported."""

from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ...accounts.registry import MeterInfo
from ...boards.config import BoardConfig
from ...const import SourceKind
from ...homes.inventory import hubs, live_meters
from ..imports.accounts import Given, MeterAccount, MeterImport


class BoardImport(MeterImport):
    """Comes by boards, which are there or are not: they can only be named."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Nobody is asked."""
        self._hass = hass

    @override
    async def async_account(
        self, given: Given, entry: ConfigEntry | None
    ) -> MeterAccount:
        """Return a board with the channels that are set up or were heard."""
        assert entry is not None
        key = entry.unique_id or ""
        hub = hubs(self._hass).get(key)
        config = BoardConfig.from_data(entry.data)
        return MeterAccount(
            key=key,
            title=entry.title,
            kind=SourceKind.PULSE_BOARD,
            meters=live_meters(hub)
            if hub is not None
            else [
                MeterInfo(
                    hardware_id=str(number),
                    name=channel.name,
                    role=channel.role,
                    power=None,
                    last_seen=None,
                )
                for number, channel in config.channels.items()
            ],
        )
