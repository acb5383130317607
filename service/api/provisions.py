"""`GET /v1/provisions`: the law that the loaded policies model, searched by words, provision by provision."""

from pydantic import Field

from service.api import paging
from service.api.operations import Shown
from service.api.parameters import text
from service.api.presets import TitleShown
from service.api.router import Call, Router
from service.callers.context import ReadingAll
from service.log.record import PolicyDigests
from service.policies.provision_search import ListedProvision, search

WORDS = text(
    "text", "only provisions that have each of these words, in English or Chinese", 200, examples=["standard contract"]
)
JURISDICTION = text("jurisdiction", "only provisions of this jurisdiction", 64, examples=["CN"])
POLICY = text("policy", "only provisions of the policy with this id", 200)
LIMIT, MOST = 20, 100

router = Router("policies")


class ProvisionShown(Shown):
    """A provision as a reader sees it; `status` is the mark that says how sure its author is of it."""

    id: str
    policy: str
    jurisdiction: str
    instrument: TitleShown
    title: TitleShown
    citation: TitleShown
    says: TitleShown | None = Field(default=None, description="what the provision says, where its author quotes it")
    effect: str = Field(description="what it does to an exchange, such as `prohibit`, `require` or `exempts`")
    force: str = Field(description="what kind of law it is")
    status: str = Field(description="how sure its author is of it")
    source: str = Field(description="where it was read")


class ProvisionsShown(Shown):
    """A page of provisions of the loaded policies."""

    bundle: PolicyDigests
    provisions: tuple[ProvisionShown, ...]
    next: str | None = Field(description=paging.NEXT)


@router.get(
    "/v1/provisions",
    "searchProvisions",
    "Search the provisions of the policies",
    parameters=[WORDS, JURISDICTION, POLICY, *paging.parameters(LIMIT, MOST, "provisions")],
    nulls=True,
)
def provisions(context: ReadingAll, call: Call[None]) -> ProvisionsShown:
    """The provisions that have every word in their id, titles, citation, words or instrument, in the order of the policies."""
    words, jurisdiction, policy = (each.of(call.query) for each in (WORDS, JURISDICTION, POLICY))
    found = [*search(context.live, words or "", jurisdiction, policy)]
    mark = f"provisions {words} {jurisdiction} {policy}"
    page, cursor = paging.Asked.in_query(call.query, LIMIT, MOST).cut(found, lambda each: str(each.shown.id), mark)
    return ProvisionsShown(bundle=context.live.digests, provisions=tuple(map(_shown, page)), next=cursor)


def _shown(found: ListedProvision) -> ProvisionShown:
    shown = found.shown
    told = {name: _words(getattr(shown, name)) for name in ("instrument", "title", "citation")}
    return ProvisionShown(
        id=shown.id,
        policy=shown.policy,
        jurisdiction=shown.jurisdiction,
        says=_words(shown.says) if shown.says else None,
        effect=found.effect,
        force=shown.force,
        status=shown.status,
        source=shown.source,
        **told,
    )


def _words(words: object) -> TitleShown:
    return TitleShown(en=getattr(words, "en", ""), zh=getattr(words, "zh", "") or None)
