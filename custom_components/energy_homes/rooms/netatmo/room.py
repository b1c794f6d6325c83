"""One room of a Netatmo home, as rooms are driven."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, Context, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from ...heating.model import (
    MAX_SETPOINT,
    MIN_SETPOINT,
    SETPOINT_STEP,
    RoomKind,
    SetpointMode,
)
from ...heating.netatmo.room import RoomState
from ...heating.setpoint import SetpointRequest
from ...heating.view import HeatingChange, HeatingData, RoomView
from ..driver import ChangeListener, RoomCapabilities, RoomOrder
from .commands import HomeCommands

MODES: Final = tuple(SetpointMode)


class NetatmoRoom:
    """A `RoomDriver`: a room as its home's coordinator shows it and its home's commands set it."""

    def __init__(
        self,
        coordinator: DataUpdateCoordinator[HeatingData],
        commands: HomeCommands,
        state: RoomState,
        *,
        heating: str,
        home: str,
        devices: frozenset[RoomKind],
    ) -> None:
        """Drive a room of the heating and the home with these names."""
        self.room_id = state.record.room_id
        self.name = state.record.name
        self.heating = heating
        self.home = home
        self.capabilities = RoomCapabilities(
            modes=MODES,
            lowest=MIN_SETPOINT,
            highest=MAX_SETPOINT,
            step=SETPOINT_STEP,
            devices=devices,
        )
        self._coordinator = coordinator
        self._commands = commands
        self._state = state

    @property
    def view(self) -> RoomView:
        """Return the room as it was reported, with what was asked of it since."""
        return self._coordinator.data.rooms[self.room_id]

    @property
    def available(self) -> bool:
        """Return whether the view is what the room does now."""
        return self._coordinator.data.available

    @property
    def controllable(self) -> bool:
        """Return whether the account answers."""
        return self._coordinator.data.controllable

    @property
    def updated(self) -> datetime | None:
        """Return when the vendor reported the home last, UTC."""
        return self._coordinator.data.updated

    @property
    def active(self) -> SetpointRequest | None:
        """Return what was asked of the room and still holds."""
        active = self._state.active
        return None if active is None else active.request

    @property
    def own_temperature(self) -> float | None:
        """Return what the vendor's weekly schedule asks for now (°C)."""
        return self._commands.outlook().scheduled(
            self._state.record.hardware_id, dt_util.utcnow()
        )

    def order(self, request: SetpointRequest) -> RoomOrder:
        """Return how a request is carried out. Raises ServiceValidationError where it cannot."""
        plan = self._commands.plan(self._state, request)
        return RoomOrder(
            request=request,
            temperature=plan.temperature,
            emulated=plan.emulated,
            async_send=lambda context: self._commands.async_set_room(
                self._state, plan, context
            ),
        )

    async def async_set(
        self, request: SetpointRequest, context: Context | None = None
    ) -> HeatingChange | None:
        """Carry out a request; raises what a `RoomDriver` does."""
        return await self.order(request).async_send(context)

    @callback
    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: Any = None
    ) -> Callable[[], None]:
        """Hear that the home is shown as something else; return how to stop."""
        return self._coordinator.async_add_listener(update_callback, context)

    @callback
    def async_add_change_listener(self, listener: ChangeListener) -> Callable[[], None]:
        """Hear of every change of this room that the cloud accepted; return how to stop."""

        @callback
        def changed(change: HeatingChange, context: Context | None) -> None:
            """Pass on what is about this room."""
            if change.room_id == self.room_id:
                listener(change, context)

        return self._commands.async_add_change_listener(changed)
