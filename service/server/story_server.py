"""
The server of the story: the story is told in a folder of its own, and what it left is served until a signal stops it.

Whoever looks has the key of a visitor, who reads and changes nothing, so no key need be typed. It listens on this machine only.
"""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from service.server.app import create_app
from service.service import Service
from service.story.storyteller import StoryDesk, ToldChapter, ToldStory, opened, told

HOST = "127.0.0.1"
VISITOR = "visitor"  # the caller of the script with whose key the pages are read

Say = Callable[[ToldChapter], None]


async def tell(say: Say) -> ToldStory:
    """Tell the story, and leave nothing of it. Raises StoryBroken."""
    async with story_desk() as (desk, _):
        return await told(desk, say)


async def serve(port: int, say: Say, ready: Callable[[ToldStory], None]) -> None:
    """
    Tell the story and serve what it left, with the story itself at `/story`, until a signal stops it. `ready` is called before the first
    request. Raises StoryBroken, OSError.
    """
    async with story_desk() as (desk, app):
        app.state.told = story = await told(desk, say)
        visited: Any = _Visited(app, desk.keys[VISITOR])
        server = uvicorn.Server(uvicorn.Config(visited, host=HOST, port=port, lifespan="off", log_level="error", ws="none"))
        ready(story)
        await server.serve()


@asynccontextmanager
async def story_desk() -> AsyncIterator[tuple[StoryDesk, FastAPI]]:
    """A desk at which the story is told, with its application; its folder is deleted at the end."""
    folder = Path(mkdtemp(prefix="fifthfactor-story-"))
    made: list[FastAPI] = []

    def application(service: Service) -> FastAPI:
        made.append(create_app(service.settings, service))
        return made[0]

    try:
        async with opened(folder, application) as desk:
            yield desk, made[0]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Visited:
    """An application whose readers bring the visitor's key, where they bring none of their own."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = (b"authorization", f"Bearer {key}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not any(name == b"authorization" for name, _ in scope["headers"]):
            scope = {**scope, "headers": [*scope["headers"], self._key]}
        await self._app(scope, receive, send)
