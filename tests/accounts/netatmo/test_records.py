"""What took a refresh token's place: examples, and a model of every way to lose one."""

from typing import Any

from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from custom_components.energy_homes.accounts.netatmo.records import (
    MOST_SPENT,
    UNUSED_S,
    TokenRecord,
    TokenRecords,
    fingerprint,
)

APP = "energy_homes"


def token(name: str) -> dict[str, Any]:
    """Return tokens with a refresh token of that name."""
    return {"access_token": f"access {name}", "refresh_token": name, "expires_at": 1.0}


def test_a_chain_leads_to_its_end() -> None:
    """Each token that was spent leads to the newest; the newest leads nowhere."""
    records = TokenRecords()
    records.renew("a", APP, token("b"), 1)
    records.renew("b", APP, token("c"), 2)

    assert [
        newer.token["refresh_token"] if (newer := records.newer(name)) else None
        for name in ("a", "b", "c", "d")
    ] == ["c", "c", None, None]


def test_tokens_themselves_are_not_kept() -> None:
    """Only the newest tokens are stored; what is spent is a fingerprint."""
    records = TokenRecords()
    records.renew("first-one", APP, token("second-one"), 1)
    records.renew("second-one", APP, token("third-one"), 2)

    assert "first-one" not in str(records.as_data())
    assert "second-one" not in str(records.as_data())
    assert "third-one" not in repr(records.find("first-one"))


def test_a_grant_that_moved_on_is_not_set_back() -> None:
    """Signing in while a refresh is under way stays the newest."""
    records = TokenRecords()
    records.replace("a", "other", token("x"), 1)
    record = records.renew("a", APP, token("b"), 2)

    assert record.token["refresh_token"] == "x"
    assert record.implementation == "other"
    assert records.newer("x") is None


def test_two_chains_become_one() -> None:
    """An account that takes tokens got by another given token answers to both."""
    records = TokenRecords()
    records.renew("mine", APP, token("mine 2"), 1)
    records.renew("given", APP, token("given 2"), 2)
    made = records.replace("mine 2", APP, token("given 2"), 3)

    for name in ("mine", "mine 2", "given", "given 2"):
        assert records.find(name) is made
    assert len(records.as_data()) == 1


def test_a_refresh_token_that_stays_the_same_has_no_successor() -> None:
    """A vendor that does not replace refresh tokens can be asked again and again."""
    records = TokenRecords()
    records.renew("a", APP, token("a"), 1)
    records.renew("a", APP, token("a"), 2)

    assert records.newer("a") is None
    assert len(records.as_data()) == 1


@given(count=st.integers(1, 3 * MOST_SPENT))
def test_the_first_and_the_last_are_remembered(count: int) -> None:
    """However long a chain: what somebody gave is known, and the latest ones are."""
    records = TokenRecords()
    for number in range(count):
        records.renew(str(number), APP, token(str(number + 1)), number)

    known = ["0", *map(str, range(max(count - MOST_SPENT + 1, 0), count))]
    newest = records.find(str(count))
    assert newest is not None
    assert all(records.newer(name) is newest for name in known)
    assert len(newest.spent) <= MOST_SPENT


def test_what_nobody_uses_is_dropped_after_a_while() -> None:
    """Tokens that an account has stay; others go when they are old."""
    records = TokenRecords()
    records.renew("used", APP, token("used 2"), 0)
    records.renew("unused", APP, token("unused 2"), 0)
    records.prune(["used"], UNUSED_S - 1)
    assert records.find("unused") is not None
    records.prune(["used"], UNUSED_S)

    assert records.find("unused") is None
    assert records.find("used") is not None


class Machine(RuleBasedStateMachine):
    """An account over refreshes, sign-ins, kills and restarts, beside a model of the vendor."""

    def __init__(self) -> None:
        """Begin with an account whose entry is saved."""
        super().__init__()
        self.records = TokenRecords()
        self.made = 0
        self.good = "0"
        self.entry = "0"
        self.saved = "0"

    def _next(self) -> str:
        """Return a token that the vendor has not given before."""
        self.made += 1
        return str(self.made)

    @rule()
    def refresh(self) -> None:
        """Spend the entry's token; the vendor voids it."""
        assert self.entry == self.good
        self.good = self._next()
        self.entry = self.records.renew(
            self.entry, APP, token(self.good), self.made
        ).token["refresh_token"]

    @rule()
    def sign_in(self) -> None:
        """Get tokens by signing in; the vendor may void the others."""
        old, self.good = self.entry, self._next()
        self.records.replace(old, APP, token(self.good), self.made)
        self.entry = self.good

    @rule()
    def save(self) -> None:
        """Save the entry, as Home Assistant does a second later."""
        self.saved = self.entry

    @rule()
    def kill(self) -> None:
        """Kill and start: the entry is as it was saved, the records are as written."""
        self.records = TokenRecords(map(TokenRecord.from_data, self.records.as_data()))
        self.entry = self.saved
        if (newer := self.records.newer(self.entry)) is not None:
            self.entry = newer.token["refresh_token"]

    @invariant()
    def the_account_has_the_token_that_is_good(self) -> None:
        """Whatever happened: no token was lost."""
        assert self.entry == self.good


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=40, stateful_step_count=12)


def test_forgetting() -> None:
    """What is forgotten is gone, once."""
    records = TokenRecords()
    records.renew("a", APP, token("b"), 1)

    assert records.forget("a") is True
    assert records.forget("a") is False
    assert records.as_data() == []
    assert fingerprint("a") != fingerprint("b")
