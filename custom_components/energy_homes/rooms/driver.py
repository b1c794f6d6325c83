"""How one room is driven, whatever heats it: the only thing that is known of it elsewhere."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from homeassistant.core import CALLBACK_TYPE, Context

from ..heating.model import RoomKind, SetpointMode
from ..heating.setpoint import SetpointRequest
from ..heating.view import HeatingChange, RoomView

type ChangeListener = Callable[[HeatingChange, Context | None], None]
"""Is called with a change and the context of who asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomCapabilities:
    """What a room can be asked to do: its modes, and its setpoints in °C.

    `devices` are the kinds of what heats it, none where it is no kind of device.
    """

    modes: tuple[SetpointMode, ...]
    lowest: float
    highest: float
    step: float
    devices: frozenset[RoomKind] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomOrder:
    """A request that its room can carry out now; nothing is sent yet.

    `temperature` is what the room will be set to (°C), None where that is not known;
    `emulated` says that it will be asked for a temperature in place of the mode.
    `async_send` sends it on behalf of a context; it returns the change that listeners heard,
    None where the room was so already, and raises HomeAssistantError where it is not done.
    """

    request: SetpointRequest
    temperature: float | None
    emulated: bool
    async_send: Callable[[Context | None], Awaitable[HeatingChange | None]]


class RoomDriver(Protocol):
    """One room: who it is, what it does, and what it can be asked to do."""

    @property
    def room_id(self) -> str:
        """Return our own id of the room."""

    @property
    def name(self) -> str:
        """Return what people call the room."""

    @property
    def heating(self) -> str:
        """Return the name of what the room is part of, of which a home may have several."""

    @property
    def home(self) -> str:
        """Return the label of the room's home."""

    @property
    def capabilities(self) -> RoomCapabilities:
        """Return what the room can be asked to do."""

    @property
    def view(self) -> RoomView:
        """Return the room as it was reported, with what was asked of it since."""

    @property
    def available(self) -> bool:
        """Return whether the view is what the room does now."""

    @property
    def controllable(self) -> bool:
        """Return whether a command may be tried."""

    @property
    def updated(self) -> datetime | None:
        """Return when the room was last reported, UTC; None for never."""

    @property
    def active(self) -> SetpointRequest | None:
        """Return what was asked of the room and still holds."""

    @property
    def own_temperature(self) -> float | None:
        """Return what the room's own schedule asks for now (°C); None where not known."""

    def order(self, request: SetpointRequest) -> RoomOrder:
        """Return how a request is carried out. Raises ServiceValidationError where it cannot."""

    async def async_set(
        self, request: SetpointRequest, context: Context | None = None
    ) -> HeatingChange | None:
        """Carry out a request; return the change, None where the room was so already.

        Raises ServiceValidationError for what cannot be asked, and HomeAssistantError for
        what is not done; neither is a change.
        """

    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: Any = None
    ) -> Callable[[], None]:
        """Hear that what is shown of the room may be another; return how to stop."""

    def async_add_change_listener(self, listener: ChangeListener) -> Callable[[], None]:
        """Hear of every change that was asked of this room and done; return how to stop."""
