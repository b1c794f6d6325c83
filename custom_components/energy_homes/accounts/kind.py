"""What a kind of account is: one description of each vendor, which all others read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from homeassistant.components.application_credentials import ClientCredential
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.config_entry_oauth2_flow import AbstractOAuth2Implementation

from ..const import EntryKind, SourceKind
from ..heating.records import RoomRecord
from ..models import HeatingSource, OpenHistory, OpenRoomHistory, Revision
from .channel import MeterChannel
from .entity_descriptions import (
    AccountBinarySensorDescription,
    AccountSensorDescription,
    AccountSwitchDescription,
)
from .registry import Accounts

type SetUp = Callable[[HomeAssistant, ConfigEntry[Any]], Awaitable[Any]]
"""Starts the hub of an entry and returns it; raises what ends an entry's set-up."""

type Forget = Callable[[HomeAssistant, ConfigEntry[Any]], Awaitable[None]]
"""Deletes what was stored for an entry that is removed."""

type Diagnostics = Callable[[HomeAssistant, ConfigEntry[Any]], dict[str, Any]]
"""Returns how an account's conversation goes, without names and ids."""

type FirstData = Callable[[Any], Awaitable[datetime | None]]
"""Asks an account's hub when the vendor's data begin; raises CloudError by kind."""


type RoomHistoryOf = Callable[[Accounts, HeatingSource, RoomRecord], OpenRoomHistory]
"""Looks once into what accounts of a kind know of a room, wherever that was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What people make at a vendor's so that their accounts let us in (OAuth).

    `made_at` is the page where they make it.
    """

    implementation: Callable[
        [HomeAssistant, str, ClientCredential], AbstractOAuth2Implementation
    ]
    made_at: str


class ChannelOf(Protocol):
    """Finds the channel that counts the pulses of a meter."""

    def __call__(self, accounts: Accounts, revision: Revision) -> MeterChannel | None:
        """Return the channel that a revision reads, None where its account is not loaded."""


def hardware_id_itself(_hub: Any, hardware_id: str) -> str:
    """Return hardware's id, where a vendor has no better name of it."""
    return hardware_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKind:
    """What there is to know of a vendor's accounts.

    Functions get the hub, or the entry, of an account of this kind; no other.
    """

    entry_kind: EntryKind
    source_kind: SourceKind
    """What revisions are called that read a meter, or a home, of the account."""

    manufacturer: str
    """Of the account's device, and of what is behind it."""

    async_setup: SetUp
    async_forget: Forget

    diagnostics: Diagnostics
    private: frozenset[str] = frozenset()
    """Keys of the entry's data, besides those of every entry, that diagnostics leave out."""

    application: Application | None = None
    """Lets accounts in; Home Assistant knows one of an integration, so one vendor has it."""

    sensors: tuple[AccountSensorDescription[Any], ...] = ()
    binary_sensors: tuple[AccountBinarySensorDescription[Any], ...] = ()
    switches: tuple[AccountSwitchDescription[Any], ...] = ()

    server: Callable[[], str] | None = None
    """Returns the cloud's own address; None without a cloud."""

    last_heard: Callable[[Any], datetime | None] | None = None
    """Returns when a device called us last, by its hub; None of clouds, which we call."""

    seen: Callable[[Any], object] | None = None
    """Returns what of a hub changes with the hardware that it has.

    For hubs that tell their listeners far more often than that; None for others.
    """

    hardware_name: Callable[[Any, str], str] = hardware_id_itself
    """Returns what people call an account's meter, by its hub and hardware id."""

    shared: bool = False
    """Several accounts can have the same hardware."""

    tells_online: bool = False
    """The account says whether the board behind a source is connected."""

    spacing: timedelta | None = None
    """The usual time between two powers of a meter; None where meters have no own."""

    learns_slower: bool = False
    """A meter may be slower than `spacing`, which is learned."""

    channel: ChannelOf | None = None
    """Meters have a dial, and pulses are counted on channels; None where power is told."""

    async_first_data: FirstData | None = None
    """The vendor keeps what meters have measured; None where it keeps nothing."""

    open_history: OpenHistory | None = None
    """Opens the history of a meter; None where the vendor forgets what meters have sent."""

    room_history: RoomHistoryOf | None = None
    """Looks into the history of a room; None where the vendor keeps none, or heats nothing."""

    @property
    def calls_us(self) -> bool:
        """Return whether accounts are devices that call us: all they tell of an outage is silence."""
        return self.last_heard is not None

    @property
    def platforms(self) -> list[Platform]:
        """Return the platforms that the account itself has entities of."""
        entities = {
            Platform.BINARY_SENSOR: self.binary_sensors,
            Platform.SENSOR: self.sensors,
            Platform.SWITCH: self.switches,
        }
        return [platform for platform, found in entities.items() if found]
