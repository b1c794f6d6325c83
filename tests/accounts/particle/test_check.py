"""Who a Particle account is, by whatever it tells."""

from typing import Any

import pytest

from custom_components.energy_homes.accounts.particle.check import (
    ParticleCheck,
    account_identity,
)
from custom_components.energy_homes.clouds.particle.models import ParticleDevice

TOKEN = "a-token-that-nobody-may-see"


def device(board_id: str, **fields: Any) -> ParticleDevice:
    """Return a board."""
    return ParticleDevice(
        board_id=board_id, name=board_id, online=True, last_heard=None, **fields
    )


def check(unique_id: str, *boards: str) -> ParticleCheck:
    """Return an account with boards."""
    return ParticleCheck(
        unique_id=unique_id, title="Particle", boards=tuple(map(device, boards))
    )


@pytest.mark.parametrize(
    ("user", "boards", "product", "unique_id"),
    [
        (None, (device("b2"), device("a1")), None, "particle_board_a1"),
        (None, (device("a1", product_id="7"),), "fridges", "particle_product_7"),
        (
            None,
            (device("a1", product_id="7"), device("a2", product_id="8")),
            "fridges",
            "particle_product_fridges",
        ),
        (None, (), "fridges", "particle_product_fridges"),
    ],
)
def test_an_account_is_known(
    user: str | None,
    boards: tuple[ParticleDevice, ...],
    product: str | None,
    unique_id: str,
) -> None:
    """A product by its number, an account by the first of its boards."""
    assert account_identity(user, boards, TOKEN, product)[0] == unique_id


def test_nobody_is_named() -> None:
    """Owners and tokens are fingerprints, the same for the same."""
    by_user = account_identity("me@example.com", (device("a1"),), TOKEN, None)
    by_owner = account_identity(
        None, (device("a1", owner="me@example.com"),), TOKEN, None
    )
    by_token = account_identity(None, (), TOKEN, None)
    assert by_user == by_owner
    for identity, shown in (by_user, by_token):
        assert identity.endswith(shown)
        assert "me@" not in identity
        assert TOKEN not in identity
    assert by_token[0].startswith("particle_token_")


@pytest.mark.parametrize(
    ("checked", "unique_id", "known", "same"),
    [
        (check("particle_board_a", "a"), "particle_board_a", (), True),
        (check("particle_board_b", "b"), "particle_board_a", (), False),
        (check("particle_board_0", "0", "a"), "particle_board_a", (), True),
        (check("particle_board_b", "b"), "particle_board_a", ("b",), True),
        (check("particle_board_a", "a"), "particle_token_x", (), True),
        (check("particle_board_a", "a"), "particle_token_x", ("a",), True),
        (check("particle_board_a", "a"), "particle_token_x", ("b",), False),
        (check("particle_product_7", "a"), "particle_board_a", (), False),
        (check("particle_board_a", "a"), "particle_product_7", ("a",), False),
        (check("particle_product_8", "a"), "particle_product_7", ("a",), False),
    ],
)
def test_the_same_account(
    checked: ParticleCheck, unique_id: str, known: tuple[str, ...], same: bool
) -> None:
    """By its id, or by boards that both have; a product is only itself."""
    assert checked.is_account(unique_id, known) is same
