"""The settings of the site that `make docs` builds: Sphinx reads the Markdown where it lies, and a link that leads nowhere is an error."""

from typing import Any

from sphinx.application import Sphinx

from tests.pages import PAGES

project = "Fifth Factor"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = list(PAGES)
exclude_patterns = [".venv", "build", "node_modules"]
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure", "myst.header"]
NAVIGATION = {"Start": "", "Policies": "policies/", "Service": "service/", "Engine": "engine/", "Tests": "tests/"}


def with_navigation(_app: Sphinx, page: str, source: list[str]) -> None:
    """The first page lists all others, by folder, where only the navigation shows them."""
    if page == root_doc:
        for title, folder in NAVIGATION.items():
            names = [
                each[:-3] for each in PAGES if each.startswith(folder) and (folder or "/" not in each) and each != "README.md"
            ]
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n" + "\n".join(names) + "\n```\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this."""
    app.connect("source-read", with_navigation)
    return {"parallel_read_safe": True}
