"""What people set of a board: its secret, who may call, and what its channels count. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from ..metering.model import MeterRole
from ..metering.pulses import PulseSettings, default_settings

CONF_SECRET: Final = "secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    """A channel as its owner knows it; `settings` are those of the meter behind it."""

    name: str
    role: MeterRole = MeterRole.GRID
    settings: PulseSettings = field(default_factory=PulseSettings)

    def as_data(self) -> dict[str, Any]:
        """Return the channel as JSON has it."""
        return {
            "name": self.name,
            "role": self.role.value,
            "pulses_per_kwh": self.settings.pulses_per_kwh,
            "cap": self.settings.cap,
            "deviation": self.settings.deviation,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return a channel that was kept. Raises ValueError for what no meter can have."""
        return cls(
            name=data["name"],
            role=MeterRole(data["role"]),
            settings=PulseSettings(
                pulses_per_kwh=data["pulses_per_kwh"],
                cap=data["cap"],
                deviation=data["deviation"],
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardConfig:
    """A board as its owner set it up.

    `open_to_all` lets it call from addresses that are not local. Channels that are not
    listed begin with their defaults once they are heard.
    """

    secret: str = field(repr=False)
    open_to_all: bool = False
    channels: Mapping[int, ChannelConfig] = field(default_factory=dict)

    def channel(self, number: int) -> ChannelConfig:
        """Return what is set of a channel, or what every board begins with."""
        if (known := self.channels.get(number)) is not None:
            return known
        return ChannelConfig(
            name=f"Channel {number}", settings=default_settings(number)
        )

    def as_data(self) -> dict[str, Any]:
        """Return the board as JSON has it, secret and all."""
        return {
            CONF_SECRET: self.secret,
            "open_to_all": self.open_to_all,
            "channels": {
                str(number): channel.as_data()
                for number, channel in self.channels.items()
            },
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return a board that was kept; `data` may hold more than that."""
        return cls(
            secret=data[CONF_SECRET],
            open_to_all=data.get("open_to_all", False),
            channels={
                int(number): ChannelConfig.from_data(channel)
                for number, channel in data.get("channels", {}).items()
            },
        )
