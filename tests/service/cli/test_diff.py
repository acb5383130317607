"""`fifthfactor diff`: which outcomes move, on test exchanges and on real ones, and how it ends."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from engine.analysis import solver
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.cli.differing_bundles import CASES, FEW, LAW, NEW, OLD, TODAY, WORDS, bundle, difference, folder, run

ROOT = Path(__file__).resolve().parents[3]

GOLDEN = """\
## Policies: `old` → `new`

Of 2 exchanges of tests: **1 permitted that was not**. Rules and words: 1 changed.

### Outcomes

| from | to | | exchanges | by |
|---|---|---|---:|---|
| requirements unmet | permitted | **permits more** | 1 | `a.law/art-1` no longer stands |

requirements unmet → permitted, permits more:

- Ten thousand people need a contract (`new/law.test.yaml:11`, as of 2024-06-01): `a.law/art-1` no longer stands; \
requirement `a.contract` unmet → not asked for

### Rules

Changed:

- rule `a.law/art-1`, Many people need a contract: moves 1 exchange
  - at least 10,000 → 100,000 people (`data.people`)

Meaning `OLD` → `NEW`, decided in the mode `checked`. Engineering research, not legal advice.
"""


# Outcomes


def test_the_markdown_leads_with_what_is_permitted_and_tells_the_rule(here: Path) -> None:
    """A threshold that moved: one sentence, a table of outcomes, examples at their lines, the rule in words."""
    folder(here / "few" / "old", FEW)
    folder(here / "few" / "new", {**FEW, "law.yaml": LAW.replace("10 thousand", "100 thousand")})
    done = run("few/old", "few/new")
    digests = [engine.load(here / "few" / side).digests.meaning[:12] for side in ("old", "new")]
    text = done.stdout.replace("few/old", "old").replace("few/new", "new")
    before, _, rest = text.replace(digests[0], "OLD").replace(digests[1], "NEW").partition("### Proof\n")
    assert before + rest[rest.index("### Outcomes") :] == GOLDEN
    assert done.exit_code == 0


def test_the_proof_stands_before_what_was_tried(here: Path) -> None:
    """Each pair of outcomes that an exchange moves between, and of one that permits more an exchange that both bundles decide so."""
    folder(here / "few" / "old", FEW)
    folder(here / "few" / "new", {**FEW, "law.yaml": LAW.replace("10 thousand", "100 thousand")})
    text = run("few/old", "few/new").stdout
    proof = text[text.index("### Proof") : text.index("### Outcomes")]
    assert "**More is permitted: the exchanges below show it.** Only `AA` may come to another outcome" in proof
    assert "| requirements unmet | permitted | **permits more** | an exchange |" in proof
    assert "| permitted | requirements unmet |" not in proof
    assert "an exchange of each, in this order):\n\n- `a.law`: **more lenient**\n" in proof
    shown = proof.partition("Requirements unmet → permitted (`AA`, `a.law/art-1`):\n\n`")[2].partition("`\n")[0]
    old, new = (engine.load(here / "few" / side) for side in ("old", "new"))
    words = []
    for side in (old, new):
        exchange = engine.accept_exchange(side, json.loads(shown))
        assert exchange.as_of
        words.append(engine.PDP(side).judge(exchange, as_of=exchange.as_of).outcome.word)
    assert words == ["requirements_unmet", "permitted"]
    back = run("few/new", "few/old", "--fail-on", "permits-more")
    assert back.exit_code == 0
    assert "**Nothing more is permitted: that is proven of every exchange, complete or not.**" in back.stdout


def test_it_fails_although_no_test_shows_that_more_is_permitted(here: Path) -> None:
    """The gate rests on the proof, and not on the exchanges that somebody thought of."""
    without = {name: text for name, text in FEW.items() if "test" not in name}
    folder(here / "silent" / "old", without)
    folder(here / "silent" / "new", {**without, "law.yaml": LAW.replace("10 thousand", "100 thousand")})
    assert run("silent/old", "silent/new", "--fail-on", "permits-more").exit_code == 1
    assert run("silent/new", "silent/old", "--fail-on", "permits-more").exit_code == 0


def test_without_the_solver_it_says_what_to_install(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It compares nothing in the place of a proof."""
    monkeypatch.setattr(solver, "find_spec", lambda name: None)
    done = run("old", "new", "--fail-on", "permits-more")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "pip install 'fifthfactor[analyse]'" in done.stderr


def test_every_outcome_that_moves_is_told_with_its_direction_and_its_rules() -> None:
    """A threshold and a date moved, an exemption and a bar added: each case as it moves, those that permit more first."""
    moved = [
        (
            move.direction,
            move.exchange.name.partition(" need")[0],
            move.old.told,
            move.new.told,
            [f"{cause.name.partition('/')[2]} {cause.text}" for cause in move.causes if cause.kind == "rule"],
        )
        for move in difference(OLD, NEW).moves
    ]
    bounds = "not decided (permitted to requirements unmet)"
    unmet, owing = "requirements unmet", "permitted with obligations"
    gone, now = "art-1 no longer stands", "art-3 stands now"
    assert moved == [
        ("permits more", "Ten thousand people", unmet, "permitted", [gone, now]),
        ("permits more", "A million people", unmet, "permitted", [now]),
        ("permits more", "Images are looked at", "subject to review", "permitted", ["art-2 no longer stands", now]),
        ("may permit more", "Elsewhere nobody knows how many", unmet, bounds, ["art-1 only may stand now"]),
        ("stricter", "Images to Celand | are [looked] at", "subject to review", "prohibited", ["art-4 stands now"]),
        ("milder", "A contract is shown", owing, "permitted", [gone, now]),
        ("same outcome", "A few people", "permitted", "permitted", [now]),
    ]


def test_the_way_back_permits_less() -> None:
    """What permits more one way permits less the other way."""
    there, back = difference(OLD, NEW), difference(NEW, OLD)
    opposite = {"permits more": "permits less", "may permit more": "may permit less", "milder": "stricter"}
    opposite |= {after: before for before, after in opposite.items()}
    assert {(move.exchange.name, opposite.get(move.direction, move.direction)) for move in there.moves} == {
        (move.exchange.name, move.direction) for move in back.moves
    }


def test_a_rule_that_no_exchange_shows_is_said_to_be_unseen(here: Path) -> None:
    """A threshold that no test comes near is a change without a witness."""
    folder(here / "unseen", {**OLD, "law.yaml": LAW.replace("10 thousand", "9_999")})
    done = run("old", "unseen")
    assert "no outcome changes" in done.stdout
    assert "rule `a.law/art-1`, Many people need a contract: **no exchange here shows it**" in done.stdout


def test_layout_comments_and_file_names_are_no_change(here: Path) -> None:
    """Bundles of one meaning are not decided, and nothing is said to move."""
    folder(here / "laid-out", {"w.yaml": WORDS, "l.yaml": "# a comment\n" + LAW, "l.test.yaml": CASES})
    done = run("old", "laid-out", "--fail-on", "any-change")
    assert done.exit_code == 0
    assert "Both mean the same: no outcome changes." in done.stdout
    assert "###" not in done.stdout


def test_an_exchange_that_a_vocabulary_refuses_is_no_permit_under_it() -> None:
    """A fact that only the new policies know: refused before, permitted now, which permits more; and the other way round."""
    words = WORDS.replace("values:", "  data.new: {type: yes/no, title: new}\n\nvalues:", 1)
    cases = CASES.replace("  data.people: 10\n", "  data.people: 10\n  data.new: yes\n", 1)
    new = {"words.yaml": words, "law.yaml": LAW, "law.test.yaml": cases[: cases.index("  - case: Ten")]}
    old = {**OLD, "law.test.yaml": CASES[: CASES.index("  - case: Ten")]}
    (there,), (back,) = difference(old, new).moves, difference(new, old).moves
    assert (there.old.outcome, there.new.outcome, there.direction) == ("refused", "permitted", "permits more")
    assert (back.old.outcome, back.new.outcome, back.direction) == ("permitted", "refused", "permits less")
    assert there.old.problems == back.new.problems == ("/data/new (unknown-fact)",)


def test_an_exchange_that_neither_can_read_is_listed() -> None:
    """It is not among those tried, and what is wrong is named by its place, never by its value."""
    trial = engine.TrialExchange(
        "line 1", "x.jsonl:1", "file", b'{"exporter": {"contry": "a secret"}, "data": {"people": "secret"}}'
    )
    found = difference(OLD, NEW, trial)
    assert found.tried == {"test": 7}
    assert [(each.exchange.at, each.problem) for each in found.unread] == [
        ("x.jsonl:1", "/exporter/contry (unknown-fact); /data/people (wrong-value)")
    ]


def test_where_no_engine_can_decide_it_is_no_permit_and_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure under the new policies permits less; it is listed apart, too."""

    def fails(pdp: engine.PDP, exchange: engine.Exchange, **options: Any) -> engine.Decision:
        if pdp.bundle.digests.meaning == bundle(NEW).digests.meaning:
            raise engine.EnginesFailed("broken")
        return decide(pdp, exchange, **options)

    decide = engine.PDP.decide
    monkeypatch.setattr(engine.PDP, "decide", fails)
    found = difference(FEW, {**NEW, "law.test.yaml": FEW["law.test.yaml"]})
    assert {(move.new.outcome, move.direction) for move in found.moves} == {
        ("failed", "permits less"),
        ("failed", "no longer read"),
    }
    assert {each.problem for each in found.disagreements} == {"no engine could decide it under the new policies"}


def test_a_test_that_both_bundles_have_is_tried_once() -> None:
    """An exchange of a day is one, whatever its case is called; one that only the old tests have is named as theirs."""
    renamed = {
        **NEW,
        "law.test.yaml": CASES.replace("A few people need nothing", "Renamed").replace(
            "people: 1 million", "people: 2 million"
        ),
    }
    found = engine.trials(bundle(OLD), bundle(renamed))
    assert len(found) == 8
    assert [trial.at for trial in found if trial.name.startswith("A million")] == ["law.test.yaml:17", "law.test.yaml:17 (old)"]
    assert not [trial for trial in found if trial.name.startswith("A few")]


# How it ends


@pytest.mark.parametrize(
    ("old", "new", "fail_on", "code"),
    [
        ("old", "new", None, 0),
        ("old", "new", "permits-more", 1),
        ("old", "new", "permits-less", 0),
        ("new", "old", "permits-more", 0),
        ("new", "old", "permits-less", 1),
        ("old", "new", "any-outcome", 1),
        ("old", "old", "any-change", 0),
        ("old", "new", "any-change", 1),
    ],
)
def test_it_ends_with_1_where_it_finds_what_it_is_to_fail_on(
    here: Path, old: str, new: str, fail_on: str | None, code: int
) -> None:
    """And with 0 elsewhere."""
    assert run(old, new, *(["--fail-on", fail_on] if fail_on else [])).exit_code == code


def test_a_permit_that_has_only_become_possible_is_more_too(here: Path) -> None:
    """Bounds that reach down to a permit, and did not, fail a check on `permits-more`."""
    case = (
        CASES[: CASES.index("  - case: A few")]
        + CASES[CASES.index("  - case: Elsewhere") : CASES.index("  - case: Images are")]
    )
    folder(here / "perhaps" / "old", {**OLD, "law.test.yaml": case})
    folder(here / "perhaps" / "new", {**NEW, "law.test.yaml": case})
    done = run("perhaps/old", "perhaps/new", "--fail-on", "permits-more")
    assert done.exit_code == 1
    assert "**1 perhaps permitted that could not be**" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["old", "nowhere"], "`nowhere` is not a folder, not a git revision"),
        (["old", "new", "--mode", "guess"], "there is no mode `guess`"),
        (["old", "new", "--fail-on", "anything"], "`--fail-on` cannot be `anything`"),
        (["old", "new", "--only", "nothing"], "no test file has `nothing` in its name"),
        (["old", "new", "--as-of", "today"], "`today` is not a date"),
        (["old", "new", "--exchanges", "nowhere"], "there is no file or folder nowhere"),
        (["old", "new", "--exchanges", "old"], "holds no file that ends in .json"),
        (["old", "new", "--log", "nowhere.db"], "nowhere.db` does not exist"),
        (["old", "bad"], "the policies of `bad` are not sound"),
        (["untested/old", "untested/new", "--fail-on", "permits-less"], "there is no exchange to compare"),
        (["--", "old", "--output=x"], "`--output=x` begins with `-`"),
        (["old", ""], "`` is not a folder"),
        (["old", "x" * 5_000], "is not a folder"),
    ],
)
def test_what_cannot_be_done_is_said_and_ends_with_2(here: Path, arguments: Sequence[str], words: str) -> None:
    """One sentence on standard error, and nothing on standard output."""
    folder(here / "bad", {**OLD, "law.yaml": LAW.replace("data.people", "data.peple")})
    folder(here / "untested" / "old", {name: text for name, text in OLD.items() if "test" not in name})
    folder(here / "untested" / "new", {name: text for name, text in NEW.items() if "test" not in name})
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


def test_the_json_is_the_whole_document(here: Path) -> None:
    """It validates as a Difference, and leaves no example out."""
    done = run("old", "new", "--json", "--examples", "0")
    old, new = engine.load(here / "old"), engine.load(here / "new")
    compared = engine.compare(old, new, engine.trials(old, new), today=TODAY)
    assert engine.Difference.model_validate_json(done.stdout) == compared.model_copy(update={"proof": engine.prove(old, new)})


def test_examples_are_limited_and_the_rest_is_counted(here: Path) -> None:
    """Every kind of move shows one example at least."""
    text = run("old", "new", "--examples", "1").stdout
    assert text.count("(`new/law.test.yaml") == 6
    assert "- … and 1 more" in text


# Real exchanges


def exchange(people: object, **more: Any) -> dict[str, Any]:
    """An exchange from Aland to Celand."""
    return {
        "exporter": {"country": "AA"},
        "recipient": {"country": "CC"},
        "data": {"people": people, "kinds": ["report"]},
        **more,
    }


def test_exchanges_come_from_files_and_lines(here: Path) -> None:
    """One of a JSON file, one a line of JSON lines, under the day each names, else under the day given."""
    place = folder(here / "real", {"a.json": json.dumps(exchange(50_000)), "note.txt": "no exchange"})
    folder(place / "more", {"b.jsonl": "\n".join(json.dumps(exchange(n, as_of="2025-03-01")) for n in (5, 50_000)) + "\n\n"})
    found = json.loads(run("old", "new", "--exchanges", "real", "--as-of", "2024-02-01", "--json").stdout)
    assert found["tried"] == {"test": 7, "file": 3}
    assert [
        (move["exchange"]["name"], move["exchange"]["at"], move["exchange"]["as_of"], move["direction"])
        for move in found["moves"]
        if move["exchange"]["source"] == "file"
    ] == [
        ("a", "real/a.json", "2024-02-01", "permits more"),
        ("line 2", "real/more/b.jsonl:2", "2025-03-01", "permits more"),
    ]


@pytest.fixture
def log(here: Path) -> Path:
    """The log of a service that decided by OLD: three exchanges, of which one lost its personal value since."""
    settings = Settings(policies=here / "old", database=here / "log.db")
    service = Service.open(settings, say=log_lines.logger(StringIO()))
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        for number, people in enumerate((5, 50_000, 60_000)):
            sent = exchange(people, exporter={"id": f"person-{number}", "country": "AA"}, as_of="2024-06-01")
            answer = client.post("/v1/evaluate", json=sent)
            assert answer.status_code == 200, answer.text
        assert asyncio.run(service.store.erase(answer.json()["id"])) == 1
    return here / "log.db"


def test_the_records_of_a_log_are_compared_too(here: Path, log: Path) -> None:
    """Each under the law of its day, below the tests; an erased value is left out and counted, and no value is printed."""
    done = run("old", "new", "--log", "log.db", "--fail-on", "permits-more")
    assert done.exit_code == 1
    assert "Of 7 exchanges of tests:" in done.stdout
    assert "2 of 3 rows move" in done.stdout
    assert "| requirements unmet | permitted | **permits more** | 2 |" in done.stdout
    assert "1 row without the personal values that were erased." in done.stdout
    assert "person-" not in done.output
    few = json.loads(run("old", "new", "--log", "log.db", "--until", "2020-01-01", "--json").stdout)
    assert (few["tried"], few["log"]["rows"]) == ({"test": 7}, 0)


def test_a_log_is_read_while_a_service_writes_it(here: Path, log: Path) -> None:
    """Its records stay as they were."""
    service = Service.open(Settings(policies=here / "old", database=log), say=log_lines.logger(StringIO()))
    try:
        assert json.loads(run("old", "new", "--log", log, "--json").stdout)["log"]["rows"] == 3
        assert asyncio.run(service.store.probe()) == 3
    finally:
        service.close()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE record SET leaf = replace(leaf, '2024', '2025')", "the leaf does not have the stored hash"),
        (
            "UPDATE personal SET value = replace(value, '50000', '50001') WHERE pointer = 'request' AND sequence = 1",
            "the value of `request` does not open its commitment",
        ),
    ],
)
def test_a_record_that_was_changed_is_not_believed(here: Path, log: Path, change: str, fault: str) -> None:
    """It is listed with what is wrong, and not decided: whether the leaf was changed, or the request beside it."""
    with sqlite3.connect(log) as connection:
        connection.execute(change if "sequence" in change else f"{change} WHERE sequence = 1")
    connection.close()
    found = json.loads(run("old", "new", "--log", "log.db", "--json").stdout)
    assert (found["log"]["rows"], found["log"]["unread"]) == (3, 1)
    assert [each["problem"] for each in found["log"]["unread_rows"]] == [f"the record has a fault: {fault}"]


def test_help_shows_an_example() -> None:
    """One line to copy."""
    assert "Example: fifthfactor diff" in run("diff", "--help").stdout
