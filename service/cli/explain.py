"""`fifthfactor explain`: decides one exchange and explains it provision by provision, and records nothing."""

from service.cli.command import AsJson, AsOf, Commands, Exchange, Lang, Mode, Policies
from service.cli.evaluate import decide

app = Commands()


@app.add("explain exchange.json --lang zh", "explain 'policies/cn/order-13.test.yaml::Without a contract the export waits'")
def explain(
    file: Exchange,
    policies: Policies = None,
    as_of: AsOf = None,
    mode: Mode = "checked",
    as_json: AsJson = False,
    lang: Lang = "en",
) -> int:
    """
    Decide one exchange, or that of a case of a test, and explain the decision, provision by provision. Nothing is recorded.

    Ends with 0 where it may proceed, with 1 where it may not, with 2 where the exchange cannot be read.
    """
    return decide(file, policies or [], as_of, mode, as_json, lang, whole=True)
