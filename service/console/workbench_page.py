"""The page with the editor of policies: the served policies go in, a page with their files by folder comes out."""

from itertools import groupby
from operator import itemgetter
from pathlib import Path

from service.console.pages import rendered
from service.console.reader import PageReader
from service.policies.live import Live

SCRIPT = Path(__file__).parent / "editor" / "editor.js"


def workbench_page(live: Live, token: str, can_edit: bool, reader: PageReader) -> str:
    """The page. `token` is for what the editor sends; without `can_edit` the page says what is not installed."""
    placed = sorted(name.rpartition("/")[::2] for name in live.bundle.sources)
    folders = [(folder, [name for _, name in each]) for folder, each in groupby(placed, itemgetter(0))]
    return rendered(
        "workbench.html",
        reader,
        "/workbench",
        w=reader.words.workbench,
        folders=folders,
        files=len(live.bundle.sources),
        source=live.digests.source,
        token=token,
        can_edit=can_edit,
    )
