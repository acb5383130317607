"""The page of the book of benefits: which agreement an exchange is under, and who has a share in it further up the chain."""

import pytest

from tests.service.ledger.market import Market, market, share

__all__ = ["market"]
pytestmark = pytest.mark.usefixtures("audited")


def test_each_granter_has_a_share_of_what_the_one_after_it_receives(market: Market) -> None:
    """The example: the studio has 1/4 of the platform's income, the hospital 1/3 of the studio's; the price is divided by what is named."""
    market.opened("hospital")
    first = market.standing(share("studio", "hospital", "1/3"))["id"]
    second = market.standing(share("platform", "studio", "1/4"), share("platform", "bank", "0.3", "price", role="platform"))[
        "id"
    ]
    to_studio = market.commit("hospital", "studio", terms__agreement=first)
    to_platform = market.commit("studio", "platform", terms__agreement=second)
    page = market.page("platform", "stranger", terms__agreement=second, terms__price="1000.00 USD")
    assert page == {
        "on": "2026-11-25",
        "state": "read",
        "named": {
            "agreement": second,
            "version": 1,
            "payer": "exporter",
            "shares": [{"payee": "p1", "role": "platform", "ratio": "0.3", "of": "price"}],
        },
        "steps": [
            {
                "agreement": second,
                "version": 1,
                "payer": "exporter",
                "by": to_platform,
                "shares": [{"payee": "p2", "ratio": "1/4", "of": "income"}],
            },
            {
                "agreement": first,
                "version": 1,
                "payer": "p2",
                "after": 0,
                "by": to_studio,
                "shares": [{"payee": "p3", "ratio": "1/3", "of": "income"}],
            },
        ],
    }
