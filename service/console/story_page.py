"""The page of the story: what was told goes in, a page with its chapters, calls and pictures comes out."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from service.console import story_pictures
from service.console.flow_map import NARROW, WIDE, Flow, FlowMap, flow_map
from service.console.list_limits import short
from service.console.pages import rendered
from service.console.reader import PageReader
from service.console.story_pictures import chain_picture, money_bars
from service.story.script import words
from service.story.storyteller import ToldStory

_PERMITTED = "permitted"  # what was committed had been


def story_page(told: ToldStory, reader: PageReader) -> str:
    """The page, with the words of the reader's language."""
    return rendered(
        "story.html",
        reader,
        "/story",
        tale=words()[reader.lang],
        told=told,
        pictures=story_pictures,
        chain=chain_picture,
        money=money_bars,
        maps=lambda answers: _maps(answers, reader),
        day=lambda moment: date.isoformat(moment.date()),
        last=lambda pointer: pointer.rpartition("/")[2],
        as_json=lambda value: json.dumps(value, ensure_ascii=False, indent=2),
    )


def _maps(answers: Sequence[Any], reader: PageReader) -> list[tuple[str, FlowMap]]:
    """The map of some answers of `GET /v1/statistics?by=pair`, for a desk and for a phone."""
    cells = [cell for answer in answers for cell in answer["cells"]]
    pairs = [(cell["of"]["pair"].partition(">"), cell["exchanges"]) for cell in cells]
    flows = [Flow(start, end, count, _PERMITTED) for (start, _, end), count in pairs]
    drawn = [(style, flow_map(flows, size, lambda place: short(reader.place(place), 20))) for style, size in _SIZES]
    return [(style, each) for style, each in drawn if each is not None]


_SIZES = (("at-desk", WIDE), ("on-phone", NARROW))
