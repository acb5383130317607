"""The rule for a far gateway: what it accepts, and each way in which a receipt fails."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.receipts import (
    Demand,
    Failure,
    ReceiptInvalid,
    ReceiptNotAccepted,
    WithdrawalsInvalid,
    accept_receipt,
    verified_withdrawals,
)
from service.receipts.receipt import Receipt
from service.receipts.withdrawals import Ended, WithdrawalsPage
from service.transparency.checkpoint import Checkpoint
from service.transparency.signed_note import SignatureType, SignerKey
from tests.service.receipts.made import ANSWER, FACTS, KEY, OTHER, made

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
DEMAND = Demand("ds-1", "clinic-5", "lab-2", frozenset({"research"}))


class Used:
    """What a gateway remembers, in memory."""

    def __init__(self, *ids: str) -> None:
        self.until: dict[str, datetime] = dict.fromkeys(ids, NOON)

    def use(self, commitment: str, good_until: datetime) -> bool:
        """As UsedCommitments says."""
        new = commitment not in self.until
        self.until[commitment] = good_until
        return new


def page(
    *ended: str, after: int | None = None, next: int | None = None, since: datetime = NOON - timedelta(days=1)
) -> WithdrawalsPage:
    """A page of the list, issued at noon."""
    lines = tuple(Ended(id, "withdrawn", NOON) for id in ended)
    return WithdrawalsPage("log.example", NOON, NOON + timedelta(minutes=5), since, after, next, lines)


def signed(*pages: WithdrawalsPage, key: SignerKey = KEY) -> list[bytes]:
    """The pages as notes."""
    return [each.signed(key).to_bytes() for each in pages]


def failures(
    receipt: Receipt, demand: Demand = DEMAND, used: Used | None = None, now: datetime = NOON, *pages: WithdrawalsPage
) -> list[Failure]:
    """Why a gateway does not accept a receipt."""
    withdrawals = verified_withdrawals(signed(*pages), [KEY.verifier]) if pages else None
    used = used or Used()
    before = dict(used.until)
    with pytest.raises(ReceiptNotAccepted) as found:
        accept_receipt(receipt.to_bytes(), [KEY.verifier], demand, used, now, withdrawals=withdrawals)
    assert used.until.keys() == before.keys()  # a receipt that is refused uses nothing up
    return list(found.value.failures)


def test_a_receipt_that_meets_the_demand_is_accepted_once():
    """Also by another receipt of the same commitment, or of another decision on it: what counts is the commitment."""
    used = Used()
    ended = verified_withdrawals(signed(page("c-2")), [KEY.verifier])
    found = accept_receipt(made().to_bytes(), [KEY.verifier], DEMAND, used, NOON, withdrawals=ended)
    assert (found.decision, found.commitment and found.commitment.id) == ("d-1", "c-1")
    assert used.until == {"c-1": datetime(2026, 11, 28, 10, tzinfo=UTC)}
    other = made(answer={**ANSWER, "id": "d-9"}, decision="d-9")
    assert failures(other, used=used) == [Failure.USED]


@pytest.mark.parametrize(
    ("receipt", "failure"),
    [
        (made(answer={**ANSWER, "proceed": False}), Failure.NO_PERMIT),
        (made(answer={**ANSWER, "proceed": 1}), Failure.NO_PERMIT),
        (made(answer={**ANSWER, "outcome": "review"}), Failure.NO_PERMIT),
        (made(good_until=None), Failure.NO_PERMIT),
        (made(answer={**ANSWER, "hypothetical": True}), Failure.HYPOTHETICAL),
        (made(answer={name: each for name, each in ANSWER.items() if name != "hypothetical"}), Failure.HYPOTHETICAL),
        (made(committed=None), Failure.NOT_COMMITTED),
        (made(facts={**FACTS, "asset": "ds-2"}), Failure.OTHER_ASSET),
        (made(facts={**FACTS, "sender": "clinic-6"}), Failure.OTHER_SENDER),
        (made(facts={**FACTS, "recipient": None}), Failure.OTHER_RECIPIENT),
        (made(facts={**FACTS, "purpose": ["service-provision"]}), Failure.OTHER_PURPOSE),
        (made(good_until="2026-11-27T11:59:59Z"), Failure.EXPIRED),
        (made(committed={"id": "c-1", "at": "2026-11-27T12:01:01Z"}), Failure.EARLY),
    ],
)
def test_each_failure(receipt, failure):
    """By itself, and by its own sentence."""
    assert failures(receipt) == [failure]


def test_a_fact_that_is_not_opened_is_not_the_one_demanded():
    """Whoever leaves out an opening gains nothing."""
    whole = made()
    for name, failure in (
        ("asset", Failure.OTHER_ASSET),
        ("sender", Failure.OTHER_SENDER),
        ("recipient", Failure.OTHER_RECIPIENT),
        ("purpose", Failure.OTHER_PURPOSE),
    ):
        some = replace(whole, opened={each: opened for each, opened in whole.opened.items() if each != name})
        assert failures(some) == [failure]


def test_a_commitment_that_was_used_here_is_refused():
    """A receipt is a bearer's: it can be shown again."""
    assert failures(made(), used=Used("c-1")) == [Failure.USED]


@pytest.mark.parametrize(
    ("pages", "now", "failure"),
    [
        ([page("c-1")], NOON, Failure.WITHDRAWN),
        ([page("c-0", next=7), page("c-1", after=7)], NOON, Failure.WITHDRAWN),
        ([page()], NOON + timedelta(minutes=6), Failure.LIST_EXPIRED),
        ([page()], NOON - timedelta(minutes=2), Failure.LIST_EXPIRED),
        ([page(since=NOON)], NOON, Failure.LIST_TOO_SHORT),
    ],
)
def test_each_failure_by_the_list_of_withdrawals(pages, now, failure):
    """It must be fresh, and reach back to the commitment."""
    assert failures(made(), DEMAND, None, now, *pages) == [failure]


def test_a_list_of_another_log_says_nothing():
    """Even if one verifier trusts both."""
    other = SignerKey("log.other", SignatureType.NOTE, OTHER.private)
    of_other = replace(page(), origin="log.other")
    found = verified_withdrawals(signed(of_other, key=other), [KEY.verifier, other.verifier])
    with pytest.raises(ReceiptNotAccepted) as refused:
        accept_receipt(made().to_bytes(), [KEY.verifier], DEMAND, Used(), NOON, withdrawals=found)
    assert refused.value.failures == (Failure.LIST_OF_ANOTHER_LOG,)


def test_a_receipt_that_does_not_hold_is_never_accepted():
    """Whatever it says."""
    used = Used()
    with pytest.raises(ReceiptInvalid):
        accept_receipt(made(key=OTHER).to_bytes(), [KEY.verifier], DEMAND, used, NOON)
    assert used.until == {}


def test_a_demand_names_all():
    """A gateway that forgets a part would accept too much."""
    for parts in (
        ("", "s", "r", {"p"}),
        ("a", "", "r", {"p"}),
        ("a", "s", "", {"p"}),
        ("a", "s", "r", ()),
        ("a", "s", "r", {""}),
    ):
        with pytest.raises(ValueError, match="a demand names"):
            Demand(*parts[:3], frozenset(parts[3]))


@pytest.mark.parametrize(
    ("notes", "says"),
    [
        ([], "of one log"),
        (signed(page(next=7)), "a page is missing"),
        (signed(page(after=7)), "a page is missing"),
        (signed(page(next=7), page(after=8)), "a page is missing"),
        (signed(page(after=7), page(next=7)), "a page is missing"),
        (signed(page(), key=OTHER), "not signed by the log"),
        ([b"no note"], "not signed by the log"),
        ([Checkpoint("log.example", 1, bytes(32)).signed(KEY).to_bytes()], "not a page of the shape"),
        ([each.replace(b"c-1 withdrawn", b"c-2 withdrawn") for each in signed(page("c-1"))], "not signed by the log"),
    ],
)
def test_what_is_not_the_whole_list_is_refused(notes, says):
    """A page that is missing, is in another place, is signed by another key or is something else that the log signed."""
    with pytest.raises(WithdrawalsInvalid, match=says):
        verified_withdrawals(notes, [KEY.verifier])


def test_a_page_of_the_list_is_no_checkpoint():
    """One key signs both, and neither can be taken for the other."""
    with pytest.raises(ValueError, match="a checkpoint is not"):
        Checkpoint.parse(page().text())
    assert WithdrawalsPage.parse(page("c-1", "c-2", after=3, next=9).text()) == page("c-1", "c-2", after=3, next=9)
