"""`fifthfactor review`: reviews listed, shown, approved and refused at a terminal, beside a service that runs."""

import asyncio

import pytest
from typer.testing import CliRunner

from service.cli.main import app
from service.decisions.review_case_backfill import take_in_earlier_cases
from tests.service.conftest import POLICIES
from tests.service.reviews.test_sign_off import TOMORROW, decided


@pytest.fixture
def review(service, database, monkeypatch):
    """Run `fifthfactor review` on the database of the service; its exit code and what it printed."""
    monkeypatch.setenv("FIFTHFACTOR_DATABASE", database)
    monkeypatch.setenv("FIFTHFACTOR_POLICIES", str(POLICIES))

    def run(*arguments):
        result = CliRunner().invoke(app, ["review", *arguments])
        return result.exit_code, result.output

    return run


def test_a_person_signs_off_at_a_terminal(evaluate, review):
    """What waits is listed, shown, approved and taken back, beside the service that is running."""
    id = decided(evaluate)["id"]
    status, listed = review("list")
    assert (status, id in listed, "to sign off: cn.test/art-1" in listed) == (0, True, True)
    status, shown = review("show", id)
    assert (status, "can be signed off: cn.test/art-1" in shown) == (0, True)
    status, said = review("approve", id, "--reason", "looked at", "--until", "soon")
    assert (status, said.startswith("error: `--until`: ")) == (2, True)
    both = ("--provision", "cn.test/art-1", "--requirement", "cn.test/any")
    status, said = review("approve", id, "--reason", "looked at", "--until", TOMORROW, *both)
    assert (status, said) == (2, "error: name either `provisions` or a `requirement`\n")
    status, said = review("approve", id, "--reason", "looked at", "--until", TOMORROW)
    assert (status, said) == (0, "approved: cn.test/art-1\nthe outcome for the same facts is now `permitted`\n")
    assert decided(evaluate)["signed_off"][0]["by"] == "command-line"
    assert review("list") == (0, "no review waits\n")
    assert "command-line: approve cn.test/art-1" in review("show", id, "--lang", "zh")[1]
    review("refuse", id, "--reason", "bad \x1b[31mnews")
    shown = review("show", id)[1]
    assert ("command-line: refuse" in shown, "bad \ufffd[31mnews" in shown) == (True, True)
    assert review("refuse", id, "--reason", "no")[0] == 0
    assert decided(evaluate)["outcome"] == "review"


def test_a_terminal_says_what_is_wrong(evaluate, review, tmp_path):
    """With 1 where it cannot be signed off, with 2 where it was asked for wrongly."""
    permitted = evaluate().json()["id"]
    until = ("--reason", "read it", "--until", TOMORROW)
    assert review("approve", permitted, *until) == (1, "error: this decision has nothing to sign off\n")
    id = decided(evaluate)["id"]
    status, said = review("approve", id, "--provision", "cn.test/art-9", *until)
    assert (status, said) == (1, "error: the policies have no provision `cn.test/art-9`\n")
    assert review("approve", id, "--reason", "read it", "--until", "soon")[0] == 2
    assert review("show", "nothing") == (2, "error: no decision has the id `nothing`\n")
    assert review("list", "--database", str(tmp_path / "none.db"))[0] == 2


def test_the_queue_of_reviews_is_found_anew(service, client, evaluate, review, database):
    """It is emptied beside the service, whose next start finds what waits, to whom it is assigned, and what is signed off."""
    waiting, approved = (decided(evaluate, recipient={"id": name, "country": "US"})["id"] for name in ("lab", "clinic"))
    assert review("approve", approved, "--reason", "looked at", "--until", TOMORROW)[0] == 0
    assert client.post(f"/v1/decisions/{waiting}/review/assign", json={"to": "me"}).status_code == 201
    before = client.get("/v1/reviews").json()["reviews"]
    assert [each["id"] for each in before] == [waiting]
    result = CliRunner().invoke(app, ["log", "reindex", "--reviews"])
    assert (result.exit_code, "the queue of reviews is empty" in result.output) == (0, True), result.output
    assert client.get("/v1/reviews").json()["reviews"] == []
    asyncio.run(take_in_earlier_cases(service))
    assert client.get("/v1/reviews").json()["reviews"] == before
    assert before[0]["assignee"]["id"] == "local"
