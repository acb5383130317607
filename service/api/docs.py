"""
`GET /docs`: the OpenAPI document as a page on which operations can be tried.

The page is Swagger UI; nothing is fetched from elsewhere. Its content policy allows scripts and calls of this service only, and no inline
script. The files come from the package `fastapi-swagger`, which ships those of Swagger UI's own releases; its code is not used. We refused
a copy in the repository: two megabytes that nobody here can read, and that nobody would renew.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import FastAPI, Request, Response

from service.service import Service

# No `unsafe-inline` for styles: Swagger UI sets them through the document, which a content policy does not restrict.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fifth Factor: operations</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="operations"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
START = """\
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#operations",
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  docExpansion: "list",
  validatorUrl: null,
});
"""
_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_KEPT = {"Cache-Control": "max-age=3600"}  # seconds, in a browser


@cache
def _file(name: str) -> tuple[bytes, str]:
    """The bytes of a file of Swagger UI, and their tag."""
    data = (files("fastapi_swagger") / "resources" / name).read_bytes()
    return data, f'"{sha256(data).hexdigest()[:16]}"'


def add(app: FastAPI, service: Service) -> None:
    """Put the page and its files on the application. Anybody may read them; an operation is tried with the key that is typed in."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return Response(PAGE, media_type="text/html", headers={"Content-Security-Policy": POLICY})

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(START, media_type="text/javascript", headers=_KEPT)

    for name in _FILES:
        _serve(app, name)


def _serve(app: FastAPI, name: str) -> None:
    # This is not `async`: the first call reads the disk. With an `ETag` an answer is not compressed, which would take long each time.
    @app.get(f"/docs/{name}", include_in_schema=False)
    def file(request: Request) -> Response:
        data, tag = _file(name)
        headers = {**_KEPT, "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=_FILES[name], headers=headers)
