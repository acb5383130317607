"""
`fifthfactor docs`: prints instruments, and what organisations say beside the law, as briefs in Markdown or HTML.

The HTML is the same Markdown, rendered by a library into a page without scripts.
"""

import html
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import Commands, Lang, Policies, UsedWrongly, need
from service.cli.output import count

FORMATS = {"markdown": "md", "html": "html"}
PAGE = """\
<!doctype html>
<html lang="{lang}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }}
h1 {{ line-height: 1.2 }}
h3 {{ margin-top: 2rem; padding-top: 1rem; border-top: 1px solid #ddd }}
blockquote {{ margin: 0; padding: .5rem 1rem; background: #fff7e0 }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #eee; background: #111 }} h3 {{ border-color: #333 }} blockquote {{ background: #3a3000 }} a {{ color: #9cf }}
}}
</style>
{body}</html>
"""


app = Commands()


@app.add("docs cn.order-16 --format html > order-16.html")
def docs(
    names: Annotated[list[str] | None, typer.Argument(help="Ids of policies or organisations. [all]")] = None,
    policies: Policies = None,
    form: Annotated[str, typer.Option("--format", help="How to print: markdown or html.")] = "markdown",
    lang: Lang = "en",
    write: Annotated[Path | None, typer.Option(help="Folder to write into: a file for each instrument, and an index.")] = None,
) -> int:
    """
    Print briefs of instruments: provisions, conditions in sentences, exemptions, duties, sources, marks. An organisation's brief says
    what it accepts, wants shown and has switched off.
    """
    import engine
    from service.cli.files import load_or_stop, make_folder, put

    need("format", form, FORMATS)
    need("language", lang, engine.LANGUAGES)
    bundle = load_or_stop(policies or [])
    known: dict[str, tuple[str, Callable[[], str]]] = {
        each.text.policy: (each.text.title.in_(lang), partial(engine.brief, bundle, each, lang))
        for each in engine.instruments(bundle)
    }
    known |= {
        each.id: (each.title.in_(lang), partial(engine.organisation_brief, bundle, each, lang))
        for each in bundle.vocabulary.organisations
    }
    for name in names or []:
        if name not in known:
            raise UsedWrongly(f"there is no policy `{name}`; {engine.did_you_mean(name, known) or 'see `fifthfactor docs`'}")
    chosen = names or list(known)
    texts = {name: known[name][1]() for name in chosen}
    titles = {name: known[name][0] for name in chosen}
    if write is None:
        whole = "\n".join(texts.values())
        print(whole if form == "markdown" else page(whole, lang, "; ".join(titles.values())), end="")
        return 0
    make_folder(write)
    suffix = FORMATS[form]
    index = "# Fifth Factor\n\n" + "".join(f"- [{titles[name]}]({name}.{suffix})\n" for name in texts)
    for name, text in {**texts, "index": index}.items():
        title = titles.get(name, "Fifth Factor")
        put(write / f"{name}.{suffix}", (text if form == "markdown" else page(text, lang, title)).encode())
    print(f"{count(len(texts), 'brief')} in {write}")
    return 0


def page(text: str, lang: str, title: str) -> str:
    """A page of HTML from Markdown; HTML in the Markdown stays text."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).render(text)
    return PAGE.format(lang=lang, title=html.escape(title), body=body)
