"""`fifthfactor story`: tells how a data asset becomes a factor of production, call by call, and shows what it left."""

import asyncio
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import AsJson, Commands, Lang, UsedWrongly, need
from service.cli.output import WIDTH, complain, painted, shortened

if TYPE_CHECKING:
    from service.story.storyteller import ToldCall, ToldChapter, ToldStory

app = Commands()


@app.add("story", "story --serve --port 8081", "story --lang zh")
def story(
    lang: Lang = "en",
    serve: Annotated[bool, typer.Option("--serve", help="Then serve the story and its database until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to serve on.")] = 8081,
    as_json: AsJson = False,
) -> int:
    """
    Tell the story of a hospital's images: registered, reviewed, granted, sold, settled, paid and proven.

    Every step is a real call, in a database that is made for it and deleted at the end, with a clock and a log of its own. Nothing of
    another service is touched. Ends with 1 where an answer is not what the story says, and with 2 where the port is taken.
    """
    import engine
    from service.server import story_server
    from service.story.storyteller import StoryBroken

    need("language", lang, engine.LANGUAGES)
    say = _Teller(lang, quiet=as_json)
    try:
        if not serve:
            told = asyncio.run(story_server.tell(say.chapter))
            print(told.model_dump_json()) if as_json else say.end(told)
            return 0
        asyncio.run(story_server.serve(port, say.chapter, lambda told: say.serving(told, port)))
        return 0
    except StoryBroken as broken:
        complain(f"error: the story came out otherwise: {broken}")
        return 1
    except SystemExit:
        raise UsedWrongly(f"port {port} cannot be listened on: name another one with --port") from None


class _Teller:
    """Prints the story as it is told."""

    def __init__(self, lang: str, quiet: bool) -> None:
        from service.story.script import script, words

        self._words = words()[lang]
        self._chapters = [each.id for each in script().chapters]
        self._quiet = quiet

    def chapter(self, told: "ToldChapter") -> None:
        """Print a chapter: what happens, and each call with what matters of its answer."""
        if self._quiet:
            return
        words = self._words[told.id]
        title = f"{self._chapters.index(told.id) + 1}/{len(self._chapters)}  {words['title']}"
        print(f"\n{painted('bold', title)}  {told.at:%Y-%m-%d}")
        print(textwrap.indent(textwrap.fill(words["says"], WIDTH - 2), "  "))
        for call in told.calls:
            self._call(words[call.says], call)

    def _call(self, says: str, call: "ToldCall") -> None:
        print(f"\n  {says}")
        print(f"    {self._words['callers'][call.caller]}: {call.command or f'{call.method} {call.address}'}")
        for pointer, value in call.shown.items():
            said = value if isinstance(value, str) else shortened(value)
            told = f"{pointer.rpartition('/')[2]}: {said}"
            print(textwrap.fill(told, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8, max_lines=3, placeholder=" …"))

    def end(self, told: "ToldStory") -> None:
        """Say what was told, and how to look at it."""
        page = self._words["page"]
        print("\n" + page["told"].format(sum(len(each.calls) for each in told.chapters), told.seconds))

    def serving(self, told: "ToldStory", port: int) -> None:
        """Say where the story is served."""
        self.end(told)
        print(self._words["page"]["open"].format(f"http://127.0.0.1:{port}/story"), flush=True)
