"""What every `RoomDriver` does, seen on a Netatmo room and on a room behind any switch.

The room behind a switch is for these tests only: it shows that what is known of a driver is
enough for a room that no vendor's cloud heats.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, override

from homeassistant.components.switch import DOMAIN as SWITCH
from homeassistant.const import (
    ATTR_ENTITY_ID,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_ON,
    STATE_UNAVAILABLE,
)
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util
import pytest

from custom_components.energy_homes.heating.model import RoomKind, SetpointMode
from custom_components.energy_homes.heating.refused import (
    HeatingRequestError,
    require_future,
)
from custom_components.energy_homes.heating.setpoint import SetpointRequest
from custom_components.energy_homes.heating.view import (
    ChangeKind,
    HeatingChange,
    RoomView,
)
from custom_components.energy_homes.rooms.driver import (
    ChangeListener,
    RoomCapabilities,
    RoomDriver,
    RoomOrder,
)
from custom_components.energy_homes.rooms.errors import request_error

from .world import MINUTE, SECOND, HeatedWorld

WARM = SetpointRequest(mode=SetpointMode.MANUAL, temperature=23)
BACK = SetpointRequest(mode=SetpointMode.SCHEDULE)

BATH = "switch.bath"
THERMOMETER = "sensor.bath"


class SwitchRoom:
    """A room that a switch heats while a sensor says that it is too cold."""

    room_id = "bath"
    name = "Bath"
    heating = "Zones"
    home = "Elm Street"
    capabilities = RoomCapabilities(
        modes=(SetpointMode.MANUAL, SetpointMode.OFF, SetpointMode.SCHEDULE),
        lowest=5,
        highest=30,
        step=0.1,
    )
    own_temperature = None

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin with a room of which nothing was asked."""
        self._hass = hass
        self.active: SetpointRequest | None = None
        self._listeners: list[CALLBACK_TYPE] = []
        self._change_listeners: list[ChangeListener] = []
        async_track_state_change_event(
            hass, [BATH, THERMOMETER], lambda _event: self._show()
        )

    @property
    def view(self) -> RoomView:
        """Return the room as switch, sensor and request say."""
        sensor, switch = self._hass.states.get(THERMOMETER), self._hass.states.get(BATH)
        asked = self.active or BACK
        return RoomView(
            room_id=self.room_id,
            kind=RoomKind.THERMOSTAT,
            temperature=None if sensor is None else float(sensor.state),
            setpoint=asked.temperature,
            mode=asked.mode,
            until=asked.until,
            boiler_on=None if switch is None else switch.state == STATE_ON,
        )

    @property
    def available(self) -> bool:
        """Return whether the switch is there."""
        switch = self._hass.states.get(BATH)
        return switch is not None and switch.state != STATE_UNAVAILABLE

    @property
    def controllable(self) -> bool:
        """Return whether the switch is there."""
        return self.available

    @property
    def updated(self) -> datetime | None:
        """Return when the sensor said something last."""
        sensor = self._hass.states.get(THERMOMETER)
        return None if sensor is None else sensor.last_reported

    def order(self, request: SetpointRequest) -> RoomOrder:
        """Return how a request is carried out."""
        try:
            if request.until is not None:
                require_future(request.until, dt_util.utcnow())
        except HeatingRequestError as err:
            raise request_error(err) from err
        return RoomOrder(
            request=request,
            temperature=request.temperature,
            emulated=False,
            async_send=lambda context: self._async_send(request, context),
        )

    async def async_set(
        self, request: SetpointRequest, context: Context | None = None
    ) -> HeatingChange | None:
        """Carry out a request."""
        return await self.order(request).async_send(context)

    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: Any = None
    ) -> Callable[[], None]:
        """Hear that the room is shown as something else."""
        self._listeners.append(update_callback)
        return lambda: self._listeners.remove(update_callback)

    def async_add_change_listener(self, listener: ChangeListener) -> Callable[[], None]:
        """Hear of every change of the room."""
        self._change_listeners.append(listener)
        return lambda: self._change_listeners.remove(listener)

    async def _async_send(
        self, request: SetpointRequest, context: Context | None
    ) -> HeatingChange | None:
        """Switch, and keep what was asked once that is done."""
        cold = request.temperature is not None and (
            self.view.temperature is None or self.view.temperature < request.temperature
        )
        await self._hass.services.async_call(
            SWITCH,
            SERVICE_TURN_ON if cold else SERVICE_TURN_OFF,
            {ATTR_ENTITY_ID: BATH},
            blocking=True,
            context=context,
        )
        before = self.active or BACK
        self.active = None if request.mode is SetpointMode.SCHEDULE else request
        if before == request:
            return None
        self._show()
        change = HeatingChange(
            at=dt_util.utcnow(),
            kind=ChangeKind.SETPOINT,
            room_id=self.room_id,
            room=self.name,
            mode=request.mode.value,
            temperature=request.temperature,
            until=request.until,
        )
        for listener in tuple(self._change_listeners):
            listener(change, context)
        return change

    def _show(self) -> None:
        """Tell listeners that the room is shown as something else."""
        for listener in tuple(self._listeners):
            listener()


class Rig(ABC):
    """A driver of a room that follows its own schedule, and what it drives."""

    driver: RoomDriver

    @abstractmethod
    async def confirm(self) -> None:
        """Let the room do, and say that it does, what was asked of it."""

    @abstractmethod
    def refuse(self) -> None:
        """Let what heats the room refuse the next command."""

    @abstractmethod
    def be_so_already(self) -> None:
        """Let the next command find the room as it asks for."""

    @abstractmethod
    def sent(self) -> int:
        """Return how many commands have come to what heats the room."""


class NetatmoRig(Rig):
    """The kitchen of Elm Street behind the simulated cloud."""

    def __init__(self, elm: HeatedWorld) -> None:
        """Take a home that is set up."""
        self.elm = elm
        self.driver = elm.driver("Kitchen")

    @override
    async def confirm(self) -> None:
        await self.elm.virtual.run(2 * MINUTE)

    @override
    def refuse(self) -> None:
        self.elm.netatmo.simulator.fault("unreachable", "setroomthermpoint", count=1)

    @override
    def be_so_already(self) -> None:
        self.elm.netatmo.simulator.fault(
            "nothing_to_modify", "setroomthermpoint", count=1
        )

    @override
    def sent(self) -> int:
        return len(self.elm.commands())


class SwitchRig(Rig):
    """A bathroom with a thermometer and a switch."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Have a cold bathroom."""
        self._hass = hass
        self._calls = 0
        self._refuses = False
        hass.states.async_set(THERMOMETER, "17.5")
        hass.states.async_set(BATH, "off")
        for service in (SERVICE_TURN_ON, SERVICE_TURN_OFF):
            hass.services.async_register(SWITCH, service, self._switch)
        self._room = SwitchRoom(hass)
        self.driver = self._room

    async def _switch(self, call: ServiceCall) -> None:
        """Switch, or refuse to."""
        self._calls += 1
        if self._refuses:
            self._refuses = False
            raise HomeAssistantError("The relay does not answer")
        self._hass.states.async_set(
            BATH, call.service.removeprefix("turn_"), context=call.context
        )

    @override
    async def confirm(self) -> None:
        await self._hass.async_block_till_done()

    @override
    def refuse(self) -> None:
        self._refuses = True

    @override
    def be_so_already(self) -> None:
        self._room.active = WARM

    @override
    def sent(self) -> int:
        return self._calls


class DriverContract:
    """What holds for a room, whatever heats it."""

    def test_who_it_is(self, rig: Rig) -> None:
        """The names that people know it by, and what may be asked of it."""
        driver = rig.driver

        assert driver.view.room_id == driver.room_id
        assert driver.home == "Elm Street"
        assert all((driver.name, driver.heating))
        can = driver.capabilities
        assert {SetpointMode.MANUAL, SetpointMode.OFF, SetpointMode.SCHEDULE} <= {
            *can.modes
        }
        assert 0 < can.step < can.lowest < can.highest
        assert (driver.available, driver.controllable) == (True, True)
        assert driver.updated is not None
        assert driver.updated <= dt_util.utcnow()
        assert driver.active is None
        assert driver.view.mode is SetpointMode.SCHEDULE

    async def test_a_request(self, rig: Rig) -> None:
        """It is active until the room is handed back, and heard of with who asked."""
        driver, context = rig.driver, Context()
        heard: list[tuple[HeatingChange, Context | None]] = []
        shown: list[RoomView] = []
        stop_hearing = driver.async_add_change_listener(
            lambda change, by: heard.append((change, by))
        )
        stop_showing = driver.async_add_listener(lambda: shown.append(driver.view))
        change = await driver.async_set(WARM, context)

        assert change is not None
        assert (change.kind, change.mode) == (ChangeKind.SETPOINT, "manual")
        assert (change.room_id, change.room) == (driver.room_id, driver.name)
        assert (change.temperature, change.until) == (23, None)
        assert heard == [(change, context)]
        assert (shown[-1].mode, shown[-1].setpoint) == (SetpointMode.MANUAL, 23)
        assert driver.active == WARM
        await rig.confirm()
        assert driver.active == WARM
        assert (driver.view.setpoint, driver.view.pending) == (23, False)

        stop_hearing()
        stop_showing()
        before = len(shown)
        assert await driver.async_set(BACK) is not None
        await rig.confirm()
        assert driver.active is None
        assert driver.view.mode is SetpointMode.SCHEDULE
        assert (len(heard), len(shown)) == (1, before)

    async def test_an_order_is_not_sent_yet(self, rig: Rig) -> None:
        """It says what will hold; only sending it makes it so."""
        driver, before = rig.driver, rig.driver.view
        order = driver.order(WARM)

        assert order.request == WARM
        assert (order.temperature, order.emulated) == (23, False)
        assert (driver.view, driver.active, rig.sent()) == (before, None, 0)
        assert await order.async_send(None) is not None
        assert (driver.active, rig.sent()) == (WARM, 1)

    async def test_what_cannot_be_asked(self, rig: Rig) -> None:
        """It is refused before anything is sent, and is no change."""
        driver, before = rig.driver, rig.driver.view
        past = replace(WARM, until=dt_util.utcnow() - SECOND)
        with pytest.raises(ServiceValidationError) as by_order:
            driver.order(past)
        with pytest.raises(ServiceValidationError) as by_set:
            await driver.async_set(past)

        assert by_order.value.translation_key == "end_past"
        assert by_set.value.translation_key == "end_past"
        assert (driver.view, driver.active, rig.sent()) == (before, None, 0)

    async def test_what_is_not_done(self, rig: Rig) -> None:
        """The room is shown as before, and nobody hears of a change."""
        driver, before = rig.driver, rig.driver.view
        heard: list[HeatingChange] = []
        driver.async_add_change_listener(lambda change, _: heard.append(change))
        rig.refuse()
        with pytest.raises(HomeAssistantError) as caught:
            await driver.async_set(WARM)

        assert not isinstance(caught.value, ServiceValidationError)
        assert (driver.view, driver.active, rig.sent()) == (before, None, 1)
        assert heard == []

    async def test_what_is_so_already(self, rig: Rig) -> None:
        """It is active, and no change."""
        driver = rig.driver
        heard: list[HeatingChange] = []
        driver.async_add_change_listener(lambda change, _: heard.append(change))
        rig.be_so_already()

        assert await driver.async_set(WARM) is None
        assert (driver.active, rig.sent()) == (WARM, 1)
        assert heard == []


class TestNetatmoRoom(DriverContract):
    """A room of a Netatmo home."""

    @pytest.fixture
    async def rig(self, elm: HeatedWorld) -> Rig:
        """Return the kitchen."""
        await elm.start()
        return NetatmoRig(elm)

    def test_devices(self, rig: NetatmoRig) -> None:
        """What heats each room."""
        assert {
            driver.name: set(driver.capabilities.devices)
            for driver in rig.elm.heating.drivers.values()
        } == {
            "Living room": {RoomKind.THERMOSTAT},
            "Kitchen": {RoomKind.VALVE},
            "Bedroom": {RoomKind.VALVE},
            "Office": {RoomKind.VALVE},
        }

    async def test_changes_of_other_rooms(self, rig: NetatmoRig) -> None:
        """Whoever listens to one room hears of that one only."""
        heard: list[HeatingChange] = []
        rig.driver.async_add_change_listener(lambda change, _: heard.append(change))
        await rig.elm.ask("Office", "off")

        assert heard == []


class TestSwitchRoom(DriverContract):
    """A room behind any switch."""

    @pytest.fixture
    async def rig(self, hass: HomeAssistant) -> Rig:
        """Return the bathroom."""
        return SwitchRig(hass)
