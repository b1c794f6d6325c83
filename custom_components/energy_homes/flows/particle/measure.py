"""What a board's event or variable measures: the fields of a form, and what they say."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
import voluptuous as vol

from ...accounts.particle.board import Board
from ...accounts.particle.measures import MAX_MEASURES, READY_MADE, Measure
from ...clouds.particle.parse import is_id
from ...homes.inventory import NONE
from ...sensing.model import Quantity
from ..forms import Fields
from ..refused import Refused

CONF_SENT: Final = "sent"
CONF_QUANTITY: Final = "quantity"
CONF_VARIABLE: Final = "variable"
CONF_NOISE_FLOOR: Final = "noise_floor"
CONF_SCALE: Final = "scale"
CONF_OFFSET: Final = "offset"
CONF_POWER_FACTOR: Final = "power_factor"
CONF_ASSUMED_VOLTAGE: Final = "assumed_voltage"
CONF_VOLTAGE: Final = "voltage"
CONF_PULSES_PER_KWH: Final = "pulses_per_kwh"

VARIABLE_PREFIX: Final = "variable:"
"""A choice of something that a board sends is an event's name, or a variable's after this."""

MAX_NAME: Final = 64

_QUANTITY: Final = SelectSelector(
    SelectSelectorConfig(
        options=[quantity.value for quantity in Quantity],
        translation_key="quantity",
        mode=SelectSelectorMode.DROPDOWN,
    )
)
_NUMBER: Final = NumberSelector(
    NumberSelectorConfig(mode=NumberSelectorMode.BOX, step="any")
)
_POSITIVE: Final = NumberSelector(
    NumberSelectorConfig(mode=NumberSelectorMode.BOX, step="any", min=0)
)


def sent_choice(board: Board, chosen: Iterable[str]) -> SelectSelector:
    """Return a choice of what a board sends, with what it said last; names can be typed."""
    labels = {
        name: f"{name} ({NONE if said.data is None else said.data[:MAX_NAME]})"
        for name, said in sorted(board.said.items())
    }
    device = board.device
    for name, kind in sorted(((device and device.variables) or {}).items()):
        labels[VARIABLE_PREFIX + name] = f"{name} ({kind})"
    for value in chosen:
        labels.setdefault(value, value.removeprefix(VARIABLE_PREFIX))
    return SelectSelector(
        SelectSelectorConfig(
            options=[
                SelectOptionDict(value=value, label=label)
                for value, label in labels.items()
            ],
            multiple=True,
            custom_value=True,
        )
    )


def sent_value(measure: Measure) -> str:
    """Return the choice that stands for what a measure is sent as."""
    return measure.event or f"{VARIABLE_PREFIX}{measure.variable}"


def chosen_measures(
    values: Iterable[str], known: Iterable[Measure]
) -> tuple[Measure, ...]:
    """Return a measure for each choice: as it is known, ready-made, or any number.

    Raises Refused for nothing, for too much, and for what nothing can be called.
    """
    by_value = {sent_value(measure): measure for measure in (*READY_MADE, *known)}
    measures: dict[str, Measure] = {}
    for value in map(str.strip, values):
        variable = value.removeprefix(VARIABLE_PREFIX)
        if value != variable and not is_id(variable):
            raise Refused("no_variable", CONF_SENT, variable=variable)
        if not 0 < len(value) <= MAX_NAME:
            raise Refused("no_event", CONF_SENT, event=value)
        measure = by_value.get(value) or (
            Measure(quantity=Quantity.NUMBER, event=value)
            if value == variable
            else Measure(quantity=Quantity.NUMBER, variable=variable)
        )
        if measure.key in measures:
            raise Refused("sent_twice", CONF_SENT, name=measure.key)
        measures[measure.key] = measure
    if not measures:
        raise Refused("nothing_sent", CONF_SENT)
    if len(measures) > MAX_MEASURES:
        raise Refused("too_many_sent", CONF_SENT, most=str(MAX_MEASURES))
    return tuple(measures.values())


def measure_fields(measure: Measure) -> Fields:
    """Return the fields of a measure; only an event can have a variable beside it."""
    fields: Fields = {
        vol.Required(CONF_QUANTITY): _QUANTITY,
        vol.Optional(CONF_NAME): TextSelector(),
        vol.Required(CONF_NOISE_FLOOR): _POSITIVE,
        vol.Required(CONF_SCALE): _NUMBER,
        vol.Required(CONF_OFFSET): _NUMBER,
        vol.Required(CONF_POWER_FACTOR): _POSITIVE,
        vol.Optional(CONF_ASSUMED_VOLTAGE): _POSITIVE,
        vol.Optional(CONF_VOLTAGE): _POSITIVE,
        vol.Optional(CONF_PULSES_PER_KWH): _POSITIVE,
    }
    if measure.event is not None:
        fields[vol.Optional(CONF_VARIABLE)] = TextSelector()
    return fields


def shown_measure(measure: Measure) -> dict[str, Any]:
    """Return a measure as the fields show it."""
    shown = {
        CONF_QUANTITY: measure.quantity.value,
        CONF_NAME: measure.name,
        CONF_VARIABLE: measure.variable,
        CONF_NOISE_FLOOR: measure.noise_floor,
        CONF_SCALE: measure.scale,
        CONF_OFFSET: measure.offset,
        CONF_POWER_FACTOR: measure.power_factor,
        CONF_ASSUMED_VOLTAGE: measure.assumed_voltage,
        CONF_VOLTAGE: measure.voltage,
        CONF_PULSES_PER_KWH: measure.pulses_per_kwh,
    }
    return {field: value for field, value in shown.items() if value is not None}


def read_measure(measure: Measure, user_input: Mapping[str, Any]) -> Measure:
    """Return what the fields say of what a measure is sent as.

    Raises Refused where they make no sense together.
    """
    quantity = Quantity(user_input[CONF_QUANTITY])
    variable = measure.variable
    if measure.event is not None:
        variable = (user_input.get(CONF_VARIABLE) or "").strip() or None
        if variable is not None and not is_id(variable):
            raise Refused("no_variable", CONF_VARIABLE, variable=variable)
    if user_input[CONF_SCALE] == 0:
        raise Refused("scale_zero", CONF_SCALE)
    if not 0 < user_input[CONF_POWER_FACTOR] <= 1:
        raise Refused("power_factor", CONF_POWER_FACTOR)
    assumed, real = user_input.get(CONF_ASSUMED_VOLTAGE), user_input.get(CONF_VOLTAGE)
    if bool(assumed) is not bool(real):
        missing = CONF_VOLTAGE if assumed else CONF_ASSUMED_VOLTAGE
        raise Refused("voltages", missing)
    pulses = user_input.get(CONF_PULSES_PER_KWH)
    if quantity is Quantity.PULSES and not pulses:
        raise Refused("pulses_needed", CONF_PULSES_PER_KWH)
    return Measure(
        quantity=quantity,
        event=measure.event,
        variable=variable,
        name=(user_input.get(CONF_NAME) or "").strip() or None,
        noise_floor=user_input[CONF_NOISE_FLOOR],
        scale=user_input[CONF_SCALE],
        offset=user_input[CONF_OFFSET],
        power_factor=user_input[CONF_POWER_FACTOR],
        assumed_voltage=assumed or None,
        voltage=real or None,
        pulses_per_kwh=pulses if quantity is Quantity.PULSES else None,
    )
