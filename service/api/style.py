"""`GET /log/style.css`: the style sheet of all pages, also of those for whoever has not signed in."""

from fastapi import FastAPI, Response

from service.console.pages import STYLE
from service.service import Service


def add(app: FastAPI, service: Service) -> None:
    """Put the address on the application, before the pages of one decision, whose paths take any name."""

    @app.get("/log/style.css", include_in_schema=False)
    async def style() -> Response:
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})
