"""What forms do about Netatmo accounts."""

from types import MappingProxyType
from typing import Final

from ...const import SUBENTRY_HEATING, EntryKind
from ..kind import AccountFlow, Importer
from .account import NetatmoSteps
from .assign import home_offers
from .part import NetatmoHomeSubentryFlow
from .wanted import CREDENTIALS, NetatmoImport

FLOW: Final = AccountFlow(
    kind=EntryKind.NETATMO,
    reauth=NetatmoSteps.async_step_reauth_netatmo,
    reconfigure=NetatmoSteps.async_step_reconfigure_netatmo,
    home_parts=MappingProxyType({SUBENTRY_HEATING: NetatmoHomeSubentryFlow}),
    offers=home_offers,
    heating=Importer(begin=NetatmoImport, credentials=CREDENTIALS),
)
