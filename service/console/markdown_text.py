"""Markdown of the engine's briefs as HTML: headings, lists and emphasis. Whatever else stands in it is text."""

from markdown_it import MarkdownIt
from markupsafe import Markup

_READER = MarkdownIt("commonmark", {"html": False}).disable(
    ["image", "link", "autolink", "html_inline", "html_block", "reference", "code", "fence", "entity"]
)


def html_of(markdown: str) -> Markup:
    """The HTML. INVARIANT (no markup of others): the reader writes every character of a text that has a meaning in HTML as an entity."""
    return Markup(_READER.render(markdown))
