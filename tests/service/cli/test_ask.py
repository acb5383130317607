"""`fifthfactor ask` and `fifthfactor facts`, as a person at a terminal uses them."""

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

import engine
from service.cli.main import app
from service.drafts.answers import answer_kind
from tests.service.conftest import POLICIES
from tests.service.tables.small_tables import policies


def talk(file: Path, said: str, *more: str) -> tuple[int, str]:
    """The exit code and the conversation."""
    found = CliRunner().invoke(app, ["ask", str(file), "--policies", str(POLICIES), *more], input=said)
    return found.exit_code, found.stdout


def test_each_answer_is_saved_and_the_next_conversation_goes_on(tmp_path: Path) -> None:
    """An answer that is no answer is asked again and changes nothing; `?` says how to answer; the end is the decision."""
    file = tmp_path / "exchange.json"
    code, told = talk(file, "Atlantis\n?\nCN\nquit\n")
    assert (code, json.loads(file.read_text())) == (1, {"exporter": {"country": "CN"}})
    assert "`Atlantis` is not" in told
    assert "not decided" in told
    _, again = talk(file, "quit\n")
    assert told.splitlines()[2] not in again
    assert json.loads(file.read_text()) == {"exporter": {"country": "CN"}}


def test_what_is_skipped_is_not_asked_again(tmp_path: Path) -> None:
    """Whoever skips everything gets to the end, and nothing is written."""
    file = tmp_path / "exchange.json"
    code, told = talk(file, "\n" * 100)
    questions = [line for line in told.splitlines() if line.endswith("?")]
    assert code == 1
    assert questions
    assert not file.exists()


def test_what_belongs_together_is_one_question(tmp_path: Path) -> None:
    """`none` states all of it, after `some` each is asked, and an empty answer leaves all of it open."""
    file = tmp_path / "exchange.json"
    sent = {"exporter": {"country": "US"}, "recipient": {"country": "CN", "listed_on": []}, "data": {
        "categories": ["location"], "personal": True, "state": "identified", "kind": "dataset", "people_in": ["US"], "grades": ["general"],
    }}  # fmt: skip
    words = engine.load(engine.bundled_policies()).vocabulary
    together, alone = (
        words.questions["declarations"].ask.en[:23],
        (words.facts["data.controls"].ask or words.facts["data.controls"].title).en[:23],
    )
    for said, stated, asked in (
        ("none\nquit\n", {"act": {"bars": []}, "data": {"controls": []}, "purpose": {"end_use": ["civil"]}}, False),
        ("nothing\nsome\nquit\n", {}, True),
        ("\nquit\n", {}, False),
    ):
        file.write_text(json.dumps(sent))
        found = CliRunner().invoke(app, ["ask", str(file), "--policies", str(engine.bundled_policies())], input=said)
        now = json.loads(file.read_text())
        assert {name: now.get(name) for name in ("act", "purpose")} == {name: stated.get(name) for name in ("act", "purpose")}
        assert ("controls" in now["data"]) is bool(stated)
        assert together in found.stdout
        assert (alone in found.stdout) is asked
        assert ("that is neither none nor some" in found.stdout) is asked


def test_an_answer_on_a_list_keeps_what_was_said_before(tmp_path: Path) -> None:
    """The question is what there is besides; a value that said too little goes once a narrower one is named."""
    file = tmp_path / "exchange.json"
    sent = {
        "exporter": {"country": "DE"},
        "recipient": {"country": "US"},
        "data": {"personal": True, "state": "identified", "categories": ["contact", "financial", "unknown"]},
    }
    for said, stated in (
        ("payment\nquit\n", ["contact", "payment"]),
        ("employee\nquit\n", ["contact", "financial", "employee"]),
        ("none\nquit\n", ["contact", "financial"]),
        ("quit\n", ["contact", "financial", "unknown"]),
    ):
        file.write_text(json.dumps(sent))
        found = CliRunner().invoke(app, ["ask", str(file), "--policies", str(engine.bundled_policies())], input=said)
        assert "Besides “contact”, which categories" in " ".join(found.stdout.split())
        assert json.loads(file.read_text())["data"]["categories"] == stated


def test_what_follows_from_an_answer_is_stated_and_not_asked(tmp_path: Path) -> None:
    """Data that name people are personal."""
    file = tmp_path / "exchange.json"
    file.write_text(
        json.dumps({"exporter": {"country": "DE"}, "recipient": {"country": "US"}, "data": {"categories": ["identity"]}})
    )
    found = CliRunner().invoke(app, ["ask", str(file), "--policies", str(engine.bundled_policies())], input="quit\n")
    assert json.loads(file.read_text())["data"] == {"categories": ["identity"], "personal": True}
    assert "relate to people" not in found.stdout


@pytest.mark.parametrize("text", ['{"nonsense": true}', "[]", "no JSON", '{"data": {', "{}" + " " * engine.MAX_BYTES])
def test_a_file_that_is_no_exchange_is_left_alone(tmp_path: Path, text: str) -> None:
    """It is named, and nothing is asked."""
    file = tmp_path / "exchange.json"
    file.write_text(text)
    result = CliRunner().invoke(app, ["ask", str(file), "--policies", str(POLICIES)])
    assert result.exit_code == 2
    assert f"the exchange in {file} cannot be read" in result.stderr
    assert file.read_text() == text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_facts_are_found_by_a_word_of_their_name_title_or_question(lang: str) -> None:
    """With their question and values; a word that nothing has ends with 1."""
    result = CliRunner().invoke(app, ["facts", "exporter.c", "--policies", str(POLICIES), "--lang", lang])
    assert (result.exit_code, result.stdout.startswith("exporter.country  country: ")) == (0, True)
    none = CliRunner().invoke(app, ["facts", "zeppelin", "--policies", str(POLICIES), "--lang", lang])
    assert (none.exit_code, none.stdout) == (1, "")
    found = CliRunner().invoke(app, ["facts", "exporter.c", "--policies", str(POLICIES), "--json"])
    assert json.loads(found.stdout)[0]["name"] == "exporter.country"


def test_the_facts_that_are_open_for_an_exchange_are_listed(tmp_path: Path) -> None:
    """In the order in which they are asked; what is stated is not among them; nothing is open where the outcome is settled."""
    file = tmp_path / "exchange.json"
    file.write_text('{"as_of": "2024-06-01", "exporter": {"country": "CN"}}')

    def listed(*more: str) -> tuple[int, list[str]]:
        found = CliRunner().invoke(app, ["facts", "--for", str(file), "--policies", str(POLICIES), "--json", *more])
        return found.exit_code, [each["name"] for each in json.loads(found.stdout or "[]")]

    code, names = listed()
    bundle = engine.load(POLICIES)
    exchange = engine.parse_exchange(bundle, file.read_bytes())
    judgement = engine.PDP(bundle).judge(exchange, as_of=date(2024, 6, 1))
    assert (code, names) == (0, list(judgement.open_facts))
    assert "exporter.country" not in names
    assert listed(names[-1]) == (0, [each for each in names if names[-1] in each])
    file.write_text('{"exporter": {"contry": "CN"}}')
    assert listed()[0] == 2


PRESETS = """vocabulary: more
presets:
  cars:
    title: {en: cars, zh: 汽车}
    says: {en: Cars send data., zh: 汽车发送数据。}
    exchange:
      exporter.country: CN
      recipient.country: US
"""


@pytest.mark.parametrize(
    ("said", "stated"),
    [
        ("\nquit\n", {"exporter": {"country": "KE"}, "recipient": {"country": "US"}}),
        ("7\n1\nquit\n", {"exporter": {"country": "KE"}}),
        ("quit\nquit\n", {"exporter": {"country": "KE"}}),
        ("", {"exporter": {"country": "KE"}}),
    ],
)
def test_a_preset_is_confirmed_before_it_is_stated(tmp_path: Path, said: str, stated: dict[str, dict[str, str]]) -> None:
    """What the file states stays as it is and is not asked; numbers name what is not so; nobody's answer confirms nothing."""
    more, file = tmp_path / "more", tmp_path / "exchange.json"
    more.mkdir()
    (more / "presets.yaml").write_text(PRESETS)
    file.write_text('{"exporter": {"country": "KE"}}')
    code, told = talk(file, said, "--policies", str(more), "--preset", "cars")
    assert code == 1
    assert "cars: Cars send data." in told
    assert "1  recipient's country: United States" in told
    assert "exporter's country" not in told.partition("To be confirmed")[0]
    assert json.loads(file.read_text()) == stated


def test_a_preset_that_is_not_there_is_named() -> None:
    """With those that are."""
    result = CliRunner().invoke(app, ["ask", "--policies", str(POLICIES), "--preset", "cars"])
    assert result.exit_code == 2
    assert "cars" in result.stderr


def test_a_word_finds_the_fact_and_the_value_that_says_it() -> None:
    """The value stands under the fact; the name of a fact lists all of its values, with their titles."""
    found = CliRunner().invoke(app, ["facts", "united states", "--policies", str(POLICIES)])
    assert "→ US (United States)" in found.stdout
    assert "CN" not in found.stdout
    whole = CliRunner().invoke(app, ["facts", "exporter.country", "--policies", str(POLICIES)])
    assert {"CN (China)", "US (United States)"} <= {line.strip() for line in whole.stdout.splitlines()}
    near = CliRunner().invoke(app, ["facts", "untied states", "--policies", str(POLICIES)])
    assert near.exit_code == 1
    assert "did you mean `US`?" in near.stderr


@pytest.mark.parametrize("word", ["people", "number", "category", "country", "purpose", "health data", "evidence", "claims."])
def test_documents_and_claims_are_printed_like_facts(word: str) -> None:
    """A kind of evidence or a claim has no values; it stands in the list with its question, and the list has what the JSON has."""
    command = ["facts", word, "--policies", "bundled"]
    printed, listed = CliRunner().invoke(app, command), CliRunner().invoke(app, [*command, "--json"])
    names = [each["name"] for each in json.loads(listed.stdout)]
    heads = [line.partition("  ")[0] for line in printed.stdout.splitlines() if line and not line.startswith(" ")]
    assert (printed.exit_code, heads) == (0, names), printed.stderr
    assert any(name.startswith(("evidence.", "claims.")) for name in names)


def test_a_set_says_how_none_of_its_values_is_written(tmp_path: Path) -> None:
    """Beside the question, which speaks of "none of these"; and no other fact does."""
    policies(tmp_path / "policies")
    for fact, lang, said in (
        ("data.categories", "en", "“none of these” is `[]`"),
        ("data.categories", "zh", "“以上都不是”写作 `[]`"),
        ("exporter.country", "en", ""),
    ):
        found = CliRunner().invoke(app, ["facts", fact, "--policies", str(tmp_path / "policies"), "--lang", lang])
        assert said in found.stdout
        assert ("JSON" in found.stdout) == bool(said)


def test_a_quantity_is_asked_for_with_a_unit_whatever_its_units_are() -> None:
    """The type of a question names the units; how it is answered does not depend on them."""
    assert {answer_kind(type, values=False) for type in ("quantity", "quantity in FLOP or GPU-hour")} == {"quantity"}
