"""The forms of every kind of account: one row for each vendor."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..const import EntryKind
from .efergy.account import EfergySteps
from .efergy.kind import FLOW as EFERGY
from .kind import AccountFlow
from .netatmo.account import NetatmoSteps
from .netatmo.assign import HeatingSteps
from .netatmo.kind import FLOW as NETATMO
from .particle.account import ParticleSteps
from .particle.kind import FLOW as PARTICLE
from .pulse_board.account import BoardSteps
from .pulse_board.change import BoardChangeSteps
from .pulse_board.kind import FLOW as PULSE_BOARD

FLOWS: Final[Mapping[EntryKind, AccountFlow]] = MappingProxyType(
    {flow.kind: flow for flow in (EFERGY, NETATMO, PULSE_BOARD, PARTICLE)}
)
"""In the order in which they are offered."""


class VendorSteps(
    EfergySteps,
    NetatmoSteps,
    HeatingSteps,
    BoardSteps,
    BoardChangeSteps,
    ParticleSteps,
):
    """The steps of every vendor's accounts."""
