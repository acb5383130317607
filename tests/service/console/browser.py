"""
Pages in a real browser: a service and the browser of the system in, opened pages out, and what is wrong with each of them.

A page is wrong if its content security policy refused something, its console complained, it fetched from elsewhere, or axe found a
serious fault of accessibility. `axe-core` is the package of that name from npm, with its licences; only the tests have it.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Response, expect, sync_playwright

AXE = Path(__file__).parent / "axe-core" / "axe.min.js"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# A window of today's browser opens two pages of its own for what is typed into its address line, which takes four times as long as
# the page that is asked for. The others are those that Playwright turns off: of two such lists the browser reads the last.
TURNED_OFF = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades",
    "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch",
    "TcpPortRandomizationWin", "ThirdPartyStoragePartitioning",
)  # fmt: skip
SERIOUS = ("serious", "critical")
MILLISECONDS = 60_000  # five seconds, and for what a page opens thirty, are too few where others use the processors
expect.set_options(timeout=MILLISECONDS)
_POLICY = "document.addEventListener('securitypolicyviolation', e => console.error('content policy: ' + e.violatedDirective))"
# A rule that has an impact gives it to all that it finds: one that is less than serious finds nothing here, and need not run.
_FAULTS = """async levels => (await axe.run(document, {
        resultTypes: ['violations'],
        rules: Object.fromEntries(axe._audit.rules.filter(each => each.impact && !levels.includes(each.impact))
            .map(each => [each.id, {enabled: false}])),
    })).violations
    .filter(each => levels.includes(each.impact))
    .map(each => `${each.id}: ${each.nodes.length} times, first ${each.nodes[0].html.slice(0, 200)}`)"""


def program() -> str:
    """The browser's program. Without a browser the tests fail: they are the proof that the pages can be read."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise RuntimeError(
            "the tests of the pages need a browser: install Debian's `chromium-headless-shell`, or run `make test`"
        )
    return found


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser without a window, closed with the block."""
    with sync_playwright() as playwright:
        off = f"--disable-features={','.join(TURNED_OFF)}"
        browser = playwright.chromium.launch(executable_path=program(), args=[*ARGUMENTS, off])
        yield browser
        browser.close()


class Site:
    """A service at an address and a browser that visits it. `complaints` has what was wrong with the pages opened so far."""

    def __init__(self, address: str, browser: Browser) -> None:
        self.address = address
        self.browser = browser
        self.ids: dict[str, str] = {}
        self.complaints: list[str] = []
        self.loaded: Response | None = None  # the answer with the page opened last

    def open(self, path: str, width: int = 1280, scheme: Any = "light", height: int = 800, key: str = "") -> Page:
        """A page of the site, as it is when nothing more loads; with a key, as whoever has it."""
        # A page is no longer asked for a password: without one it leads to the page to sign in.
        basic = base64.b64encode(f"key:{key}".encode()).decode()
        page = self.browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            extra_http_headers={"Authorization": f"Basic {basic}"} if key else None,
        )
        page.set_default_timeout(MILLISECONDS)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append("a dialog"))
        page.on("request", lambda request: self._elsewhere(request.url))
        page.add_init_script(_POLICY)
        self.loaded = page.goto(self.address + path)
        return page

    def each(self, paths: Iterable[str], lang: str, **window: Any) -> Iterator[tuple[str, Page]]:
        """Pages one after the other in one window and one language. A window for each takes three times as long."""
        page: Page | None = None
        for path in paths:
            address = f"{path}{'&' if '?' in path else '?'}lang={lang}"
            if page is None:
                page = self.open(address, **window)
            else:
                self.loaded = page.goto(self.address + address)
            yield path, page
        if page is not None:
            page.close()

    def _elsewhere(self, url: str) -> None:
        if not url.startswith((self.address, "data:")):
            self.complaints.append(f"fetched from elsewhere: {url}")


def faults(page: Page) -> list[str]:
    """The serious and critical faults of accessibility that axe finds on a page, with the first element of each."""
    page.evaluate(_axe())
    found: list[str] = page.evaluate(_FAULTS, list(SERIOUS))
    return found


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")
