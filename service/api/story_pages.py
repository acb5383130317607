"""
`GET /story`: the story of a data asset, told by real calls in a database of its own.

The story is told once, by a process of its own, when somebody first asks for it: nothing of this service is touched, and no request waits
for its work. The service that the story itself left shows what was told there.
"""

import asyncio
import sys
from dataclasses import dataclass, field

from fastapi import Response

from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.callers.context import ReadingAll
from service.console.story_page import story_page
from service.problems import RequestRefused
from service.service import Service
from service.story.storyteller import ToldStory

_SECONDS = 120
_COMMAND = ("-m", "service.cli", "story", "--json")

pages = Pages()


@pages.get("/story")
async def story(context: ReadingAll, page: PageCall) -> Response:
    """The chapters, each with its calls and pictures."""
    page.filters()
    told = getattr(page.request.app.state, "told", None) or await page.shared(_teller).told()
    return html(story_page(told, page.reader))


@dataclass
class _StoryTeller:
    """Tells the story once, in a process beside the service."""

    story: ToldStory | None = None
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def told(self) -> ToldStory:
        """The story. Raises RequestRefused where it could not be told."""
        async with self.telling:
            if self.story is None:
                self.story = await self._tell()
            return self.story

    async def _tell(self) -> ToldStory:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, *_COMMAND, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            out = b""
        if process.returncode:
            raise RequestRefused("not-ready", "the story could not be told: run `fifthfactor story` to see why")
        return ToldStory.model_validate_json(out)


def _teller(service: Service) -> _StoryTeller:
    return _StoryTeller()
