"""What forms do about Efergy accounts."""

from typing import Final

from ...const import EntryKind
from ..kind import AccountFlow, Importer
from ..sources.assign import meter_offers
from .account import EfergySteps
from .importing import CREDENTIALS, EfergyImport

FLOW: Final = AccountFlow(
    kind=EntryKind.EFERGY,
    reauth=EfergySteps.async_step_reauth_confirm,
    reconfigure=EfergySteps.async_step_reconfigure_efergy,
    offers=meter_offers,
    meters=Importer(begin=EfergyImport, credentials=CREDENTIALS),
)
