"""The story: it is told by real calls, its log is its own, and its pages say that nothing in it happened."""

import asyncio
import json
import re
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from service.receipts.receipt import Receipt, ReceiptInvalid
from service.server import story_server
from service.settings import Settings
from service.story import script, storyteller
from service.story.script import Script
from service.story.storyteller import StoryBroken, ToldChapter, ToldStory
from service.transparency.signed_note import VerifierKey


@dataclass(frozen=True)
class Shelf:
    """The story once told, and what its server answers."""

    told: ToldStory
    pages: dict[str, str]
    receipt: bytes


READ = ("/story", "/story?lang=zh", "/", "/ledger/rights?asset=atlas-nairobi", "/log")


async def _told() -> Shelf:
    async with story_server.story_desk() as (desk, app):
        app.state.told = story = await storyteller.told(desk)
        headers = {"Authorization": f"Bearer {desk.keys[story_server.VISITOR]}", "Accept": "text/html"}
        pages = {path: (await desk.client.get(path, headers=headers)).text for path in READ}
        receipts = [call for chapter in story.chapters for call in chapter.calls if call.address.endswith("/receipt")]
        return Shelf(story, pages, json.dumps(receipts[0].answer).encode())


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    """The story, told once."""
    return asyncio.run(_told())


def test_every_chapter_is_told_with_words_in_both_languages(shelf: Shelf) -> None:
    """In the order of the script, at days that never go back; each call and caller has its words."""
    assert [each.id for each in shelf.told.chapters] == [each.id for each in script.script().chapters]
    moments = [each.at for each in shelf.told.chapters]
    assert moments == sorted(set(moments))
    for language in script.words().values():
        for chapter in shelf.told.chapters:
            assert {"title", "says", *(call.says for call in chapter.calls)} <= language[chapter.id].keys()
            assert {call.caller for call in chapter.calls} <= language["callers"].keys()
    assert shelf.pages["/story"].count('<section class="sheet"') == len(shelf.told.chapters)


def test_every_page_of_its_server_says_that_it_is_a_story(shelf: Shelf) -> None:
    """Not only the page that tells it."""
    assert all('class="a-story"' in page for page in shelf.pages.values())


def test_no_page_of_a_service_says_so(client: TestClient) -> None:
    """A service that is no story has no such mark."""
    page = client.get("/log", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert 'class="a-story"' not in page.text


def test_a_receipt_of_it_passes_for_none_of_a_service(shelf: Shelf, client: TestClient) -> None:
    """It holds by the key of the story's log, whose name says what it is, and by no other."""
    receipt = Receipt.parse(shelf.receipt)
    found = receipt.verify([VerifierKey.parse(shelf.told.verifier_key)])
    assert (found.origin[:6], found.outcome) == ("story/", "permitted")
    checkpoint = client.get("/checkpoint").text.partition("\n")[0]
    assert not checkpoint.startswith("story")
    other = VerifierKey(
        checkpoint, VerifierKey.parse(shelf.told.verifier_key).type, VerifierKey.parse(shelf.told.verifier_key).public
    )
    with pytest.raises(ReceiptInvalid, match="none of the keys"):
        receipt.verify([other])


def test_the_picture_of_the_chain_has_a_box_for_each_party_and_an_arrow_for_each_grant(shelf: Shelf) -> None:
    """What is drawn is what the book answered."""
    sold = next(each for each in shelf.told.chapters if each.id == "sold")
    chain = next(each for each in sold.pictures if each.kind == "chain")
    lines = [line for answer in chain.answers for line in answer["lines"]]
    section = re.search(r'<section class="sheet" id="sold".*?</section>', shelf.pages["/story"], re.DOTALL)
    assert section is not None
    drawing = re.search(r'<svg class="chain".*?</svg>', section[0], re.DOTALL)
    assert drawing is not None
    assert drawing[0].count("<text") == len({each for line in lines for each in (line["granter"], line["holder"]) if each})
    assert drawing[0].count('class="grant"') == len(
        {(line["granter"], line["holder"], line["asset"]) for line in lines if line["granter"]}
    )


def test_a_story_that_comes_out_otherwise_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The script says what an answer must be; another answer ends it, and names chapter, call and both."""
    first = script.script().chapters[0]
    call = first.calls[0].model_copy(update={"must": {"/state": "withdrawn"}})
    wrong = script.script().model_copy(update={"chapters": (first.model_copy(update={"calls": (call,)}),)})
    monkeypatch.setattr(storyteller, "script", lambda: wrong)
    heard: list[ToldChapter] = []
    with pytest.raises(StoryBroken, match=r"chapter `registered`, call 1: PUT .*`/state` is 'held', not 'withdrawn'"):
        asyncio.run(story_server.tell(heard.append))
    assert heard == []


def test_no_setting_moves_the_clock() -> None:
    """Only whoever opens a service in code gives it another clock."""
    assert not [name for name in Settings.model_fields if "clock" in name]
    assert Script.model_fields.keys() == {"callers", "bodies", "chapters"}
