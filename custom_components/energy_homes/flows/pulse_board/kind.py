"""What forms do about pulse boards."""

from typing import Final

from ...const import EntryKind
from ..kind import AccountFlow, Importer
from ..sources.assign import meter_offers
from .change import BoardChangeSteps
from .importing import BoardImport
from .options import BoardOptionsFlow

FLOW: Final = AccountFlow(
    kind=EntryKind.PULSE_BOARD,
    reconfigure=BoardChangeSteps.async_step_reconfigure_pulse_board,
    options=BoardOptionsFlow,
    offers=meter_offers,
    meters=Importer(begin=BoardImport),
)
