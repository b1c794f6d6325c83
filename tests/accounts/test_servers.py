"""Which server an account talks to."""

import pytest

from custom_components.energy_homes.accounts.efergy.server import (
    EFERGY_URL_VARIABLE,
    base_url,
)
from custom_components.energy_homes.accounts.netatmo.server import (
    NETATMO_URL_VARIABLE,
    netatmo_url,
)
from custom_components.energy_homes.const import EfergyServer


def test_vendor_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anything else it is the vendor's own."""
    monkeypatch.delenv(EFERGY_URL_VARIABLE, raising=False)
    assert base_url(EfergyServer.ENGAGE, None) == "https://engage.efergy.com"
    assert base_url(EfergyServer.ENERGYHIVE) == "https://www.energyhive.com"


def test_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's own address comes before the environment, that before the vendor."""
    monkeypatch.setenv(EFERGY_URL_VARIABLE, "http://127.0.0.1:9/")
    assert base_url(EfergyServer.ENGAGE) == "http://127.0.0.1:9"
    assert base_url(EfergyServer.ENERGYHIVE) == "http://127.0.0.1:9"
    assert base_url(EfergyServer.OTHER, "http://10.0.0.1/") == "http://10.0.0.1"
    with pytest.raises(ValueError, match="address"):
        base_url(EfergyServer.OTHER)


def test_netatmo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment stands in for the vendor's address."""
    monkeypatch.delenv(NETATMO_URL_VARIABLE, raising=False)
    assert netatmo_url() == "https://api.netatmo.com"
    monkeypatch.setenv(NETATMO_URL_VARIABLE, "http://127.0.0.1:9/")
    assert netatmo_url() == "http://127.0.0.1:9"
