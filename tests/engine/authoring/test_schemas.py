"""`fifthfactor schema`: what is sound fits the schemas for editors, and what is wrong is underlined where it stands."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from typer.testing import CliRunner

import engine
from engine.authoring import hints
from engine.policy_language.case_text import TestText
from engine.policy_language.conditions import MADE
from engine.policy_language.mapping_text import RequestMappingText, TermMappingText
from engine.policy_language.operators import FITS
from engine.policy_language.organisation_text import OrganisationText
from engine.policy_language.phrases import GROUPS
from engine.policy_language.policy_text import PolicyText, RuleText, StepsText, TableText
from engine.policy_language.vocabulary_text import ClaimText, KindText, VocabularyText
from engine.values import SPELLINGS, BadValue, Type
from service.cli.main import app
from tests.engine.backends.random_bundles import Maker

POLICIES = engine.bundled_policies()
BUNDLED = sorted(POLICIES.rglob("*.yaml"))
LANGUAGE = Path(__file__).parent.parent / "policy_language"
DIALECTS = (Draft202012Validator, Draft7Validator)
QUICK = {Draft202012Validator: jsonschema_rs.Draft202012Validator, Draft7Validator: jsonschema_rs.Draft7Validator}
TYPES = ("yes/no", "count", "ratio", "money", "date", "duration")

# A policy, in the words of the bundled vocabulary, and the places at which one change each makes it wrong.
SOUND = """
policy: xx.example
title: {en: An example law on exports, zh: 示例出口法}
jurisdiction: CN
instrument:
  issuer: An example ministry
  number: 16
  force: law
in_force: {from: 2024-03-22}
applies:
  exporter.country: CN
define:
  leaves-the-mainland:
    recipient.country: {not: CN}
  read-from-abroad:
    leaves: {in: EEA}
rules:
  - id: art-1
    title: Personal data that leave need a contract or a certificate
    cite: 1
    says: Whoever sends personal data abroad concludes the standard contract or is certified.
    source: an example
    status: from-memory
    when:
      - leaves-the-mainland
      - cn.pipl/leaves-the-mainland
      - data.personal: yes
      - evidence: {has: cn-impact-assessment}
      - evidence.cn-impact-assessment.dated: {from: 2024-01-01, until: as_of, within: 3 years}
    unless:
      - data.people.ordinary: {less_than: 100 thousand}
      - data.categories: {has: [health, financial]}
    require: {any_of: [cn.standard-contract, cn.certification]}
  - id: art-2
    title: The contract is filed
    cite: Art. 2
    says: The contract is filed.
    source: an example
    status: confirmed
    when: {act.kind: [provide, remote-access]}
    exempts: [art-1, cn.assessment, cn.order-16/art-2]
    oblige:
      duty: File the contract
      who: exporter
      due: {within: 10 working days in CN, after: evidence.cn-standard-contract.dated}
  - steps: exporter.people_handled
    source: an example
    status: confirmed
    cells:
      - empty: the law begins with two hundred thousand
      - at: 200 thousand
        id: art-3
        title: From two hundred thousand people on it is looked at
        cite: Art. 3
        says: The ministry looks at it.
        review: Show it to the ministry.
  - table:
      recipient.country: [HK, {in: EEA}, others]
      data.people.total: [0, {above: 5_000}]
    source: an example
    status: confirmed
    cells:
      - at: {recipient.country: [HK, {in: EEA}]}
        empty: the law leaves them alone
      - at: [{recipient.country: others, data.people.total: 0}, {recipient.country: others, data.people.total: {above: 5_000}}]
        id: art-4
        title: Elsewhere it is looked at
        cite: Art. 4
        says: The ministry looks at it.
        review: Show it to the ministry.
"""
WRONG = {
    "steps of what has none": ("steps: exporter.people_handled", "steps: exporter.kind", "rules/2/steps"),
    "a step that says where it ends": ("at: 200 thousand", "until: 200 thousand", "rules/2/cells/1"),
    "a step without a citation": ("        cite: Art. 3\n", "", "rules/2/cells/1"),
    "an axis of an unknown value": ("[HK, {in: EEA}, others]", "[HQ, {in: EEA}, others]", "rules/3/table/recipient.country/0"),
    "a place on no axis": ("at: {recipient.country: [HK", "at: {recipient.contry: [HK", "rules/3/cells/0/at"),
    "a misspelt fact": ("data.personal: yes", "data.persnal: yes", "rules/0/when/2"),
    "a family, which is no fact": ("data.people.ordinary:", "data.people:", "rules/0/unless/0"),
    "a value of another type": ("data.personal: yes", "data.personal: maybe", "rules/0/when/2/data.personal"),
    "an unknown value": ("{not: CN}", "{not: XQ}", "define/leaves-the-mainland/recipient.country/not"),
    "a phrase of nothing known": ("leaves: {in: EEA}", "leaves: XQ", "define/read-from-abroad/leaves"),
    "a register that a phrase does not know": ("leaves: {in: EEA}", "leaves: {in: EAE}", "define/read-from-abroad/leaves/in"),
    "an unknown value in a list": ("[provide, remote-access]", "[provide, post]", "rules/1/when/act.kind/1"),
    "an unknown value of a set": ("[health, financial]", "[helth, financial]", "rules/0/unless/1/data.categories/has/0"),
    "a misspelt operator": ("less_than:", "lessthan:", "rules/0/unless/0/data.people.ordinary"),
    "an operator of another type": ("{not: CN}", "{at_least: CN}", "define/leaves-the-mainland/recipient.country"),
    "a set compared as one value": ("{has: [health, financial]}", "health", "rules/0/unless/1/data.categories"),
    "a number that is none": ("100 thousand", "100 thosand", "rules/0/unless/0/data.people.ordinary/less_than"),
    "a length of time that is none": ("3 years", "3 yeers", "rules/0/when/4/evidence.cn-impact-assessment.dated/within"),
    "a date that is none": ("from: 2024-03-22", "from: 22 March 2024", "in_force/from"),
    "an unknown requirement": ("cn.certification]", "cn.certificaton]", "rules/0/require/any_of/1"),
    "an unknown kind of evidence": ("{has: cn-impact-", "{has: cn-impct-", "rules/0/when/3/evidence/has"),
    "an unknown field of a document": ("assessment.dated:", "assessment.date:", "rules/0/when/4"),
    "a definition another policy lacks": ("- cn.pipl/leaves", "- cn.pipl/leavs", "rules/0/when/1"),
    "a rule another policy lacks": ("cn.order-16/art-2]", "cn.order-16/art-222]", "rules/1/exempts/2"),
    "an exempted requirement nobody knows": ("cn.assessment,", "cn.assesment,", "rules/1/exempts/1"),
    "an unknown jurisdiction": ("jurisdiction: CN", "jurisdiction: CM", "jurisdiction"),
    "an unknown key": ("    status: from-memory", "    status: from-memory\n    colour: red", "rules/0"),
    "a key that is missing": ("    cite: 1\n", "", "rules/0"),
    "an unknown mark": ("status: from-memory", "status: from-memry", "rules/0/status"),
    "an unknown force": ("force: law", "force: lax", "instrument/force"),
    "a duty that is due after no date": ("contract.dated}", "contract.covers}", "rules/1/oblige/due/after"),
    "a duty that is due after nothing": (", after: evidence.cn-standard-contract.dated", "", "rules/1/oblige/due"),
    "an empty condition": ("when: {act.kind: [provide, remote-access]}", "when: {}", "rules/1/when"),
}

TEST = """
test: cn.order-16
as_of: 2026-11-24
exchange:
  exporter.country: CN
  data.personal: yes
  data.categories: [contact, unknown]
  data.people.ordinary: {at_least: 10 thousand}
  data.people.rest: 0
  evidence.cn-assessment: {dated: 2026-09-01, covers: yes}
cases:
  - case: One
    change: {data.personal: left out, data.people.ordinary: 99_999, evidence.cn-assessment: none}
    expect:
      outcome: review
      because: [art-2, cn.order-16/art-3]
      requirements: {cn.assessment: unmet}
      define: {cn.order-16/important-data: no}
      missing: []
"""
WRONG_TEST = {
    "a misspelt fact": ("data.personal: yes", "data.persnal: yes", "exchange"),
    "a set sent as one value": ("[contact, unknown]", "contact", "exchange/data.categories"),
    "an unknown member": ("[contact, unknown]", "[contct, unknown]", "exchange/data.categories/0"),
    "an unknown field": ("covers: yes", "cover: yes", "exchange/evidence.cn-assessment"),
    "an unknown outcome": ("outcome: review", "outcome: refused", "cases/0/expect/outcome"),
    "a rule another policy lacks": ("cn.order-16/art-3", "cn.order-16/art-333", "cases/0/expect/because/1"),
    "an unknown requirement": ("{cn.assessment:", "{cn.assesment:", "cases/0/expect/requirements"),
    "an unknown state": ("unmet}", "open}", "cases/0/expect/requirements/cn.assessment"),
    "an unknown definition": ("important-data: no", "importnt-data: no", "cases/0/expect/define"),
    "an unknown expectation": ("missing: []", "mising: []", "cases/0/expect"),
    "a change of what is no fact": ("data.people.ordinary: 99_999", "data.people: 99_999", "cases/0/change"),
}


@cache
def bundled() -> engine.Bundle:
    return engine.load(POLICIES)


@cache
def bundled_schemas() -> dict[str, dict[str, Any]]:
    return engine.editor_schemas(bundled())


@cache
def the_law() -> dict[str, bytes]:
    """The bundled words and policies, without their tests."""
    return {name: data for name, data in bundled().sources.items() if not name.endswith(".test.yaml")}


@cache
def as_an_editor_reads(text: str) -> Any:
    """The values that YAML's core schema makes of a text; dates are none of them."""
    return values_of(yaml.compose(text, Loader=yaml.CBaseLoader))


def values_of(node: Any) -> Any:
    match node:
        case yaml.MappingNode():
            found = {str(scalar(key.value, not key.style)): values_of(inner) for key, inner in node.value}
            assert len(found) == len(node.value), "a key stands twice"
            return found
        case yaml.SequenceNode():
            return [values_of(inner) for inner in node.value]
    return scalar(node.value, not node.style)


@cache
def scalar(text: str, plain: bool) -> Any:
    """What a word of a document is, plain or quoted."""
    reader = editor()
    return reader.constructor.construct_object(ScalarNode(reader.resolver.resolve(ScalarNode, text, (plain, not plain)), text))


@cache
def editor() -> YAML:
    reader = YAML(typ="safe", pure=True)
    reader.constructor.yaml_constructors = dict(reader.constructor.yaml_constructors)
    reader.constructor.yaml_constructors["tag:yaml.org,2002:timestamp"] = lambda loader, node: node.value
    number = reader.constructor.yaml_constructors["tag:yaml.org,2002:int"]
    reader.constructor.yaml_constructors["tag:yaml.org,2002:int"] = lambda loader, node: (
        node.value if "_" in node.value else number(loader, node)
    )
    return reader


@cache
def quick(dialect: Any, kind: str) -> Any:
    """A validator that is a thousand times as fast as the other, and tells no place."""
    return QUICK[dialect](bundled_schemas()[kind])


def kind_of(document: Any) -> str:
    return next(kind for kind in ("policy", "test", "vocabulary", "organisation", "mapping") if kind in document)


def errors(schemas: dict[str, dict[str, Any]], text: str, dialect: Any = Draft202012Validator) -> list[tuple[str, str]]:
    """Where a document does not fit its schema, and why: for each place the innermost, as an editor underlines it."""
    document = as_an_editor_reads(text)
    return [
        ("/".join(map(str, found.absolute_path)), found.message)
        for error in dialect(schemas[kind_of(document)]).iter_errors(document)
        for found in innermost(error)
    ]


def innermost(error: ValidationError) -> list[ValidationError]:
    deepest = max((len(inner.absolute_path) for inner in error.context), default=0)
    if deepest <= len(error.absolute_path):
        return [error]
    return [found for inner in error.context if len(inner.absolute_path) == deepest for found in innermost(inner)]


def test_the_schemas_are_schemas_in_both_dialects() -> None:
    """They keep to the dialect they name, and to the one that older editors read them as."""
    for schema in engine.editor_schemas(Maker(0).bundle()).values():
        assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
        for dialect in DIALECTS:
            dialect.check_schema(schema)


def test_nothing_in_a_bundled_file_is_underlined() -> None:
    """What `check` and `test` accept fits, in both dialects."""
    for file in BUNDLED:
        document = as_an_editor_reads(file.read_text())
        for dialect in DIALECTS:
            sound = quick(dialect, kind_of(document)).is_valid(document)
            assert sound, (file, errors(bundled_schemas(), file.read_text(), dialect))


@pytest.mark.parametrize("file", sorted(LANGUAGE.glob("*/good/*.yaml")), ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_nothing_in_a_good_file_of_the_language_is_underlined(file: Path) -> None:
    """Every feature of the language fits."""
    texts = {path.name: path.read_bytes() for path in (LANGUAGE / "vocabulary.yaml", LANGUAGE / "neighbour.yaml", file)}
    assert errors(engine.editor_schemas(engine.load_sources(texts)), file.read_text()) == []


@pytest.mark.parametrize("seed", range(15))
def test_nothing_in_a_random_bundle_is_underlined(seed: int) -> None:
    """Every type, operator and effect, wherever it is written."""
    bundle = Maker(seed).bundle()
    schemas = engine.editor_schemas(bundle)
    for text in bundle.sources.values():
        assert errors(schemas, text.decode()) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_a_policy_is_underlined_where_it_stands(name: str) -> None:
    """One change to a sound policy is found at its place and nowhere else."""
    wrong, place = spoiled(name)
    for dialect in DIALECTS:
        found = errors(bundled_schemas(), wrong, dialect)
        assert {where for where, _ in found} == {place}, found
        assert not quick(dialect, "policy").is_valid(as_an_editor_reads(wrong))


def spoiled(name: str) -> tuple[str, str]:
    """The sound policy with one change, and its place."""
    before, after, place = WRONG[name]
    assert SOUND.count(before) == 1
    return SOUND.replace(before, after), place


def test_the_sound_policy_is_sound() -> None:
    """The example that the changes are made to fits, and `check` accepts it."""
    assert errors(bundled_schemas(), SOUND) == []
    engine.load_sources({**the_law(), "xx.yaml": SOUND.encode()})


def test_what_is_underlined_is_refused() -> None:
    """`check` finds something in each of the policies that are wrong, all beside one another, by names of their own."""
    texts = {f"{number}.yaml": spoiled(name)[0] for number, name in enumerate(WRONG)}
    named = {file: text.replace("xx.example", f"xx.example-{file[:-5]}").encode() for file, text in texts.items()}
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources({**the_law(), **named})
    assert {each.at.file for each in refused.value.diagnostics if each.at} == named.keys()


@pytest.mark.parametrize("name", WRONG_TEST)
def test_what_is_wrong_in_a_test_is_underlined_where_it_stands(name: str) -> None:
    """One change to a sound test file is found at its place and nowhere else."""
    before, after, place = WRONG_TEST[name]
    assert errors(bundled_schemas(), TEST) == []
    assert TEST.count(before) == 1
    wrong = TEST.replace(before, after)
    found = errors(bundled_schemas(), wrong)
    assert {where for where, _ in found} == {place}, found
    assert not quick(Draft202012Validator, "test").is_valid(as_an_editor_reads(wrong))


def test_a_vocabulary_may_use_what_it_names_itself_and_no_key_that_is_none() -> None:
    """New value sets, facts and jurisdictions fit; a misspelt key does not."""
    text = "vocabulary: more\nvalues:\n  colour: {title: colour, values: [blue]}\nfacts:\n  data.colour: {type: colour, title: colour}\n"
    assert errors(bundled_schemas(), text) == []
    assert [where for where, _ in errors(bundled_schemas(), text.replace("type: colour,", "typ: colour,"))] == [
        "facts/data.colour",
        "facts/data.colour",  # one key too many, and one that is missing
    ]


def test_every_fact_tells_its_title_and_its_question() -> None:
    """What an editor shows beside a fact is what the vocabulary says of it."""
    tests = bundled_schemas()["policy"]["$defs"]["tests"]["properties"]
    facts = bundled().vocabulary.facts
    assert facts.keys() <= tests.keys()
    for name, fact in facts.items():
        assert tests[name]["title"] == fact.title.en
        assert (fact.ask.en if fact.ask else "") in tests[name]["markdownDescription"]
        assert fact.type.name in tests[name]["description"]


def test_every_key_and_operator_tells_what_it_is_for() -> None:
    """The hints are for what there is: every key of every document, every operator, and nothing else."""
    for document in (
        PolicyText,
        StepsText,
        TableText,
        TestText,
        VocabularyText,
        OrganisationText,
        RequestMappingText,
        TermMappingText,
    ):
        for shape in hints.shapes_of(document):
            assert hints.of_keys(shape).keys() == {field.alias or name for name, field in shape.model_fields.items()}, shape
            assert all(hints.of_keys(shape).values())
    assert set(hints.OPERATORS) == {*FITS, *GROUPS, MADE}
    assert hints.of_keys(RuleText)["says"].endswith("(`en`, `zh`).")  # its type says so
    assert hints.of_keys(ClaimText)["ask"] == hints.of_keys(KindText)["ask"]


def test_no_place_is_left_open() -> None:
    """Every key says what may stand under it: nothing of a model that takes anything is forgotten."""
    for kind in ("policy", "test", "vocabulary", "organisation", "mapping"):
        schema = bundled_schemas()[kind]
        shapes = {kind: schema, **schema["$defs"]}
        open_ = [
            f"{shape}.{key}"
            for shape, each in shapes.items()
            for key, inner in each.get("properties", {}).items()
            if inner.keys() <= {"title", "description", "markdownDescription", "items", "type"}
            and inner.get("type") in (None, "object")
            and "additionalProperties" not in inner
        ]
        # A line of the account shows whatever its fact is.
        assert [place for place in open_ if not place.startswith("expectation.")] == []


@pytest.mark.parametrize("kind", TYPES)
def test_the_spellings_are_those_the_engine_reads(kind: str) -> None:
    """An editor and the engine agree on every text; of a number, only the engine sees how it was written (`.5`, `1e3`)."""
    validator = Draft202012Validator(bundled_schemas()["policy"]["$defs"][f"value-{kind.replace('/', '--')}"])
    for text in (
        "yes", "no", "true", "Yes", "maybe", "12", "0", "1_000", "1,000", "1_00", "100 thousand", "1 million", "1.5 million", "-1",
        "0.25", ".5", "1e3", "2024-03-22", "2024-3-22", "22 March", "3 years", "1 year", "3 yeers", "10 working days in CN",
        "20000000 USD", "20 million USD", "5 usd", "%", " 1",
    ):  # fmt: skip
        try:
            Type(kind).read(text)
            sound = True
        except BadValue:
            sound = False
        seen = as_an_editor_reads(f"a: {text}")["a"] if text.isprintable() and text[0] not in "% " else text
        if isinstance(seen, str) or sound:
            assert validator.is_valid(seen) == sound, text


def test_the_spelling_of_a_quantity_is_that_the_engine_reads() -> None:
    """An editor and the engine agree on every text, of a fact that any unit fits and of one that has its own."""
    sources = {path.name: path.read_bytes() for path in (LANGUAGE / "vocabulary.yaml", LANGUAGE / "neighbour.yaml")}
    bundle = engine.load_sources(sources)
    values = engine.editor_schemas(bundle)["policy"]["$defs"]
    for fact in ("data.energy", "data.power.sensitive"):
        type = bundle.vocabulary.facts[fact].type
        validator = Draft202012Validator(values[f"value-{type.name.replace(' ', '-')}"])
        for text in ("1 MJ", "1.5 kWh", "1e25 FLOP", "5 FLOP", "1 GJ", "1 mj", "MJ", "1", "-1 MJ", "1 MJ ", "1e5 MJ"):
            try:
                sound = bool(type.read(text))
            except BadValue:
                sound = False
            assert validator.is_valid(text) == sound, (fact, text)


def test_every_spelling_has_its_type() -> None:
    """A new way to write a value gets its line in the test above."""
    assert set(SPELLINGS) <= {*TYPES, "day of the year"}


def schema(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        app, ["schema", *arguments, "--policies", str(LANGUAGE.parents[1] / "service" / "bundle" / "policies")]
    )
    return done.exit_code, done.output


def test_schema_prints_one_and_writes_all(tmp_path: Path) -> None:
    """What is written is what is printed; writing again changes nothing."""
    folder = tmp_path / "deep" / ".schemas"
    for _ in range(2):
        assert schema("--write", str(folder)) == (0, f"6 schemas in {folder}\n")
    assert sorted(file.name for file in folder.iterdir()) == [
        "exchange.json",
        "mapping.json",
        "organisation.json",
        "policy.json",
        "test.json",
        "vocabulary.json",
    ]
    for kind in ("policy", "test", "vocabulary", "organisation", "mapping", "exchange"):
        status, said = schema(kind)
        assert status == 0
        assert json.loads(said) == json.loads((folder / f"{kind}.json").read_text())


def test_schema_used_wrongly_says_how() -> None:
    """Neither, both, or a kind that is none: it ends with 2."""
    for arguments in ((), ("policy", "--write", "x"), ("law",)):
        status, said = schema(*arguments)
        assert status == 2
        assert "policy, test, vocabulary, organisation, mapping, exchange" in said
