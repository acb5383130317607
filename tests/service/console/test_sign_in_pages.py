"""Signing in and out in a real browser, by a real provider of OpenID Connect."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from service.languages.words import wording
from tests.free_port import free_port
from tests.service.callers.real_provider import PASSWORD, RealProvider, real_provider
from tests.service.conftest import Server, running
from tests.service.console.browser import _POLICY, MILLISECONDS, Site, faults, launched


class SignInSite(Site):
    """A service at which persons sign in, and the provider by which they do."""

    provider: RealProvider
    server: Server

    @contextmanager
    def window(self, width: int = 1280, scheme: str = "light") -> Iterator[Page]:
        """A browser with no cookies. What it complains of on pages of the service counts; the provider's pages are its own."""
        context: BrowserContext = self.browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        context.route(lambda url: not url.startswith("http://127.0.0.1:"), lambda route: route.abort())
        context.set_default_timeout(MILLISECONDS)
        page = context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if self._ours(said.location["url"]) else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)) if self._ours(page.url) else None)
        page.add_init_script(_POLICY)
        yield page
        context.close()

    def _ours(self, url: str) -> bool:
        return url.startswith(self.address)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[SignInSite]:
    """One for all tests of this module."""
    port = free_port()  # the provider has to know it before the service listens on it
    folder: Path = tmp_path_factory.mktemp("site")
    with real_provider(port) as provider, launched() as browser:
        environment = {f"FIFTHFACTOR_{name.upper()}": value for name, value in provider.settings.items()}
        with running(folder / "log.db", "--port", str(port), environment=environment) as server:
            found = SignInSite(server.address, browser)
            found.provider, found.server = provider, server
            yield found
    assert found.complaints == []


def log_in(page: Page, name: str) -> None:
    """At the provider: its form, and its page of consent."""
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    page.click("input[name=allow]")


def sign_in(page: Page, site: SignInSite, name: str = "lin", path: str = "/log") -> None:
    """From a page of the service to the same page, signed in."""
    page.goto(site.address + path)
    assert urlsplit(page.url).path == "/sign-in"
    page.click("a.button.first")
    page.wait_for_url(site.provider.issuer.removesuffix("/o") + "/**")
    log_in(page, name)
    page.wait_for_url(site.address + "/**")


def session_of(page: Page) -> dict[str, object]:
    """The cookie of the session."""
    (found,) = [each for each in page.context.cookies() if each["name"] == "fifthfactor-session"]
    return dict(found)


def test_a_person_signs_in_works_and_signs_out(site):
    """Through the provider and back to the page that she asked for; her name is the provider's; what she left is closed."""
    with site.window() as page:
        sign_in(page, site, path="/log?outcome=review&lang=zh")
        assert page.url == f"{site.address}/log?outcome=review&lang=zh"
        page.goto(f"{site.address}/log")
        assert page.inner_text(".who span") == "Lin Yue"
        assert "You may read, review." in page.inner_text("footer")
        cookie = session_of(page)
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
        assert "fifthfactor" not in page.evaluate("document.cookie")
        page.click(".who button")
        page.wait_for_url(f"{site.address}/sign-out")
        assert page.inner_text("h1") == wording("en").sign_in["signed_out"]
        assert not [each for each in page.context.cookies() if each["name"] == "fifthfactor-session"]
        page.context.add_cookies([{key: cookie[key] for key in ("name", "value", "domain", "path")}])
        page.goto(f"{site.address}/log")
        assert urlsplit(page.url).path == "/sign-in"
        # At the provider too: its page asks, and leads back.
        page.goto(f"{site.address}/sign-out")
        page.click("a.button:not(.first)")
        page.click("input[name=allow]")
        page.wait_for_url(re.compile(re.escape(f"{site.address}/sign-in")))
        page.click("a.button.first")
        expect(page.locator("input[name=password]")).to_be_visible()
    assert site.complaints == []


def test_a_second_window_of_the_same_person_is_another_session(site):
    """Signing out in one leaves the other; an answer of the provider works once, and in one browser only."""
    with site.window() as first, site.window() as second:
        answers: list[str] = []
        first.on("request", lambda request: answers.append(request.url) if "/sign-in/return" in request.url else None)
        sign_in(first, site)
        sign_in(second, site)
        assert session_of(first)["value"] != session_of(second)["value"]
        first.click(".who button")
        first.wait_for_url(f"{site.address}/sign-out")
        second.goto(f"{site.address}/log")
        assert second.inner_text(".who span") == "Lin Yue"
        for page in (first, second):
            page.goto(answers[0])
            assert page.inner_text("h1") == wording("en").sign_in["failed"]
    site.complaints[:] = [each for each in site.complaints if "400 (Bad Request)" not in each]


def test_who_has_no_role_and_who_refuses_are_told(site):
    """On a page of the service, from which she can begin again."""
    with site.window() as page:
        sign_in(page, site, "nobody")
        assert wording("en").sign_in["no_role"] in page.inner_text("main")
    with site.window() as page:
        page.goto(f"{site.address}/sign-in/start")
        page.fill("input[name=username]", "omar")
        page.fill("input[name=password]", PASSWORD)
        page.click("button")
        page.click("input[type=submit]:not([name=allow])")
        assert wording("en").sign_in["access_denied"] in page.inner_text("main")
        page.click("a.button.first")
        page.wait_for_url("**/sign-in*")
    site.complaints[:] = [each for each in site.complaints if "403 (Forbidden)" not in each]


def test_another_site_cannot_sign_her_out_or_act_for_her(site):
    """A form on a page of another origin gets the cookie's protection, the origin's check, and no token."""
    with site.window() as page:
        sign_in(page, site)
        other = site.provider.issuer.removesuffix("/o")
        for path in ("/sign-out", "/ask"):
            page.goto(f"{other}/login/")
            form = f'<form method="post" action="{site.address}{path}"><input name="token" value="x"><button id="go">x</button></form>'
            page.evaluate("html => { document.body.innerHTML = html }", form)
            with page.expect_navigation():
                page.click("#go")
        page.goto(f"{site.address}/log")
        assert page.inner_text(".who span") == "Lin Yue"
    site.complaints[:] = [each for each in site.complaints if not re.search(r"40[13] ", each)]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_fit_and_axe_finds_nothing(site, tmp_path, lang, width):
    """To sign in, wrong key, signed in, signed out, and what is not allowed, in both schemes."""
    with site.window(width, "dark" if width == 390 else "light") as page:

        def fits(name: str) -> None:
            page.wait_for_load_state()  # a click that sends a form does not wait for the page that follows
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert faults(page) == [], name
            assert len(page.content().encode()) < 100_000
            page.screenshot(path=tmp_path / f"{name}-{lang}-{width}.png", full_page=True)

        page.goto(f"{site.address}/log?lang={lang}")
        fits("sign-in")
        page.fill("#key", "ff_000000000000_x")
        page.click("form button")
        assert wording(lang).sign_in["wrong_key"] in page.inner_text(".wrong")
        fits("wrong-key")
        page.click("a.button.first")
        log_in(page, "omar")
        page.wait_for_url(re.compile(re.escape(f"{site.address}/log")))
        fits("signed-in")
        page.click(".who button")
        page.wait_for_url(re.compile(re.escape(f"{site.address}/sign-out")))
        assert page.inner_text("h1") == wording(lang).sign_in["signed_out"]
        fits("signed-out")
        page.goto(f"{site.address}/sign-in/return?lang={lang}")
        fits("failed")
    site.complaints[:] = [each for each in site.complaints if not re.search(r"40[01] ", each)]
