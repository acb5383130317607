"""`fifthfactor explain`: one exchange, decided and told provision by provision, and not recorded."""

from service.cli.command import AsJson, AsOf, Commands, Exchange, Lang, Mode, Policies
from service.cli.evaluate import decide

app = Commands()


@app.add("explain exchange.json --lang zh")
def explain(
    file: Exchange,
    policies: Policies = None,
    as_of: AsOf = None,
    mode: Mode = "checked",
    as_json: AsJson = False,
    lang: Lang = "en",
) -> int:
    """
    Decide one exchange and tell why, provision by provision, without recording it.

    Ends as `evaluate` does.
    """
    return decide(file, policies or [], as_of, mode, as_json, lang, whole=True)
