"""What people may switch on for a board: pushing on, an address without a secret, MQTT. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardOptions:
    """A board's options; without any it is heard at its secret path only.

    `push_url` is where its readings are pushed on to, which may hold a secret.
    `webhook_address` is the board's own local address, from which it may call
    `/webhook.php`. `mqtt_prefix` comes before its topics, without a slash at its end.
    """

    push_url: str | None = field(default=None, repr=False)
    push_nightly: bool = False
    webhook_address: str | None = None
    mqtt: bool = False
    mqtt_prefix: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the options as JSON has them, secrets and all."""
        return {
            "push_url": self.push_url,
            "push_nightly": self.push_nightly,
            "webhook_address": self.webhook_address,
            "mqtt": self.mqtt,
            "mqtt_prefix": self.mqtt_prefix,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return options that were kept; those that are missing are off."""
        return cls(
            push_url=data.get("push_url"),
            push_nightly=data.get("push_nightly", False),
            webhook_address=data.get("webhook_address"),
            mqtt=data.get("mqtt", False),
            mqtt_prefix=data.get("mqtt_prefix", ""),
        )
