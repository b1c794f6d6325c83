"""Base entities: a home's, a meter's and an account's."""

from typing import override

from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .accounts.efergy import EfergyHub
from .const import DOMAIN
from .coordinator import HomeCoordinator, MeterData
from .home import Home
from .models import MeterSource


class HomeEntity(CoordinatorEntity[HomeCoordinator]):
    """An entity of the home as a whole."""

    _attr_has_entity_name = True

    def __init__(self, home: Home, description: EntityDescription) -> None:
        """Belong to the home's device, which is registered already."""
        super().__init__(home.coordinator)
        self.entity_description = description
        self._attr_unique_id = f"{home.home_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, home.home_id)})


class MeterEntity(CoordinatorEntity[HomeCoordinator]):
    """An entity of one meter of a home."""

    _attr_has_entity_name = True

    def __init__(
        self, home: Home, source: MeterSource, description: EntityDescription
    ) -> None:
        """Belong to the meter's device, which is registered already."""
        super().__init__(home.coordinator)
        self.entity_description = description
        self._source_id = source.source_id
        self._attr_unique_id = f"{source.source_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, source.source_id)})

    @property
    def meter(self) -> MeterData:
        """Return the meter as it is now."""
        return self.coordinator.data.meters[self._source_id]


class AccountEntity(CoordinatorEntity[EfergyHub]):
    """An entity about an account's conversation with its cloud."""

    _attr_has_entity_name = True

    def __init__(self, hub: EfergyHub, description: EntityDescription) -> None:
        """Belong to the account's own device."""
        super().__init__(hub)
        self.entity_description = description
        entry = hub.config_entry
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, entry.entry_id)},
            manufacturer="Efergy",
            name=entry.title,
        )

    @property
    @override
    def available(self) -> bool:
        """Return True: what is told here is most wanted when the cloud is away."""
        return True
