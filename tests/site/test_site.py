"""The pages as a site: `make docs` builds every page, and a link that leads nowhere ends the build."""

import subprocess
import sys
from pathlib import Path

from tests.pages import PAGES, ROOT


def built(pages: Path, into: Path) -> subprocess.CompletedProcess[str]:
    """The site of some folder, with the settings of this one."""
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-c",
        str(ROOT / "tests" / "site"),
        str(pages),
        str(into),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_every_page_is_on_the_site_and_is_found(tmp_path: Path) -> None:
    """Its links lead somewhere, and its words are in the index of the search."""
    done = built(ROOT, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [page for page in PAGES if not (tmp_path / page).with_suffix(".html").exists()] == []
    assert "mutat" in (tmp_path / "searchindex.js").read_text("utf-8"), "the search finds words by their stem"


def test_a_link_that_leads_nowhere_ends_the_build(tmp_path: Path) -> None:
    """The message names it."""
    (tmp_path / "README.md").write_text("# A page\n\n[a link](nowhere.md)\n", "utf-8")
    done = built(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert "target not found: 'nowhere.md'" in done.stderr
