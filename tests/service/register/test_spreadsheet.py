"""The register as a table: whatever can be stated comes back the same, a spreadsheet finds no formula, and what is no table is told."""

import csv
import json
from datetime import date
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from service.register import import_export, spreadsheet
from service.register.entity import EntityRefused, EntityToWrite, Version, read_content
from service.register.stated_facts import StatableFacts
from tests.service.register.conftest import CONTRACT, POLICIES

STATES = StatableFacts(engine.load(POLICIES))

DAYS = st.dates(date(1800, 1, 1), date(2999, 12, 31))  # as the engine takes them
UNKNOWN = st.just("unknown")
COUNT = st.integers(0, 10**15) | st.just({"at_least": 5}) | UNKNOWN
WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
IDS = st.from_regex(r"[\w=+@'-][\w =+@'.-]{0,20}[\w=+@'-]", fullmatch=True)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
DOCUMENT = st.sampled_from(["none", "unknown"]) | st.fixed_dictionaries(
    {},
    optional={
        "dated": DAYS.map(str) | UNKNOWN,
        "covers": st.booleans() | UNKNOWN,
        "people": COUNT,
        "hash": st.text("abc=-';\"\n, ", min_size=1, max_size=9).filter(str.strip),
        "attested_by": st.text("王芳 +-=@", min_size=1, max_size=9).filter(str.strip),
    },
)
DOCUMENTS = {
    "evidence": st.dictionaries(st.sampled_from(["cn-standard-contract", "report"]), DOCUMENT, max_size=2),
    "claims": st.dictionaries(st.just("necessity"), DOCUMENT, max_size=1),
}
PLAIN = {
    "aliases": st.lists(IDS, max_size=3, unique=True),
    "valid_from": DAYS.map(str),
    "attested_by": st.text("王芳 +-=@'", min_size=1, max_size=9),
    "note": st.text("note =+-@';,\"", min_size=1, max_size=20),
}
PARTY = {
    "country": st.sampled_from(["CN", "US", "unknown"]),
    "operator": st.booleans() | UNKNOWN,
    "lists": st.lists(st.sampled_from(["red", "blue", "unknown"]), unique=True) | UNKNOWN,
    "share": st.decimals(0, 1, places=3).map(str) | UNKNOWN,
}
ASSET = {
    "data": st.fixed_dictionaries(
        {}, optional={"people": st.fixed_dictionaries({}, optional={"ordinary": COUNT, "sensitive": COUNT, "rest": st.just(0)})}
    ),
    "terms": st.fixed_dictionaries({}, optional={"value": st.sampled_from(["5 CNY", "0.50 USD"]), "first_sold": DAYS.map(str)}),
}


def entity(kind, facts, **more):
    content = st.fixed_dictionaries({}, optional={"facts": facts, **PLAIN, **more})
    drawn = st.builds(lambda id, said: EntityToWrite(kind, id, read_content(said)), IDS, content)
    return drawn.filter(coherent)  # no register takes what contradicts itself


def coherent(entry):
    return all(place.code != "incoherent" for place in STATES.places(entry))


ENTITIES = st.lists(
    entity("party", st.fixed_dictionaries({}, optional=PARTY), **DOCUMENTS)
    | entity(
        "asset",
        st.fixed_dictionaries({}, optional=ASSET),
        **DOCUMENTS,
        travels=st.lists(st.just({"provision": "cn.test/art-2", "from": "=decision, 1"}), max_size=2),
    )
    | entity("user", st.dictionaries(WORDS.filter(bool), ANYTHING, max_size=3)),
    max_size=4,
)


def said(entries):
    """Without empty objects of facts, which say nothing."""

    def pruned(value):
        if not isinstance(value, dict):
            return value
        inner = {name: pruned(each) for name, each in value.items()}
        return {name: each for name, each in inner.items() if each != {}}

    return [
        (
            each.kind,
            each.id,
            {**each.content.document(), "facts": pruned(each.content.facts) if each.kind != "user" else each.content.facts},
        )
        for each in entries
    ]


def spelt(value):
    """So that `true` and `1` differ."""
    return json.dumps(value, sort_keys=True)


@given(ENTITIES)
def test_what_is_written_is_read_back(entries):
    """Every value of every type, in CSV and in JSON; and no cell begins like a formula."""
    table = spreadsheet.entities_csv(entries, STATES)
    assert spelt(said(spreadsheet.read(table.encode(), STATES))) == spelt(said(entries))
    document = import_export.to_json([Version(each.kind, each.id, 1, "held", each.content, "", "") for each in entries])
    assert spelt(said(import_export.read(document.encode(), "json", STATES))) == spelt(said(entries))
    for row in csv.reader(StringIO(table, newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)


@pytest.mark.parametrize(
    ("value", "shape", "cell"),
    [
        (True, "yes/no", "true"),
        ("unknown", "yes/no", "unknown"),
        (12000, "count", "12000"),
        ("12000", "any", 'json:"12000"'),
        ("0.5", "text", "0.5"),
        (["CN", "US"], "many", "CN; US"),
        (["unknown"], "many", 'json:["unknown"]'),
        ([], "many", "json:[]"),
        ("json:", "text", 'json:"json:"'),
        ({"at_least": 5}, "count", 'json:{"at_least": 5}'),
        (1, "yes/no", "json:1"),
    ],
)
def test_cells_read_as_a_person_would_write_them(value, shape, cell):
    """And come back as they were."""
    assert spreadsheet.to_cell(value, shape) == cell
    assert json.dumps(spreadsheet.from_cell(cell, shape)) == json.dumps(value)


def test_a_table_from_a_spreadsheet_is_taken():
    """With a byte order mark, in other order, TRUE in capitals, empty cells and lines, and a formula's quote."""
    table = (
        "\ufeffid,kind,facts.operator,facts.lists,evidence.cn-standard-contract.dated,"
        "evidence.cn-standard-contract.covers,evidence.cn-standard-contract.attested_by,note\r\n"
        '"=lab",party,TRUE,red;blue,2024-05-01,yes,"Wang Fang, notary",\'-5\r\n\r\nempty,party,,,,,,\r\n'
    )
    lab, empty = spreadsheet.read(table.encode(), STATES)
    assert not isinstance(lab, EntityRefused)
    assert not isinstance(empty, EntityRefused)
    assert (lab.id, lab.place, lab.content.note) == ("=lab", "/2", "-5")
    assert lab.content.facts == {"operator": True, "lists": ["red", "blue"]}
    assert lab.content.evidence == {"cn-standard-contract": CONTRACT}
    assert (empty.id, empty.content.document()) == ("empty", {})


@pytest.mark.parametrize(
    ("table", "pointer"),
    [
        (b"\xff", ""),
        (b"", "/1"),
        (b"kind,name\n", "/1"),
        (b"kind,id,id\n", "/1"),
        (b"kind,id,facts.\n", "/1"),
        (b'kind,id\nparty,"a', "/2"),
    ],
)
def test_what_is_no_table_is_told(table, pointer):
    """At its line, as a whole."""
    with pytest.raises(EntityRefused) as wrong:
        list(spreadsheet.read(table, STATES))
    assert [place.pointer for place in wrong.value.places] == [pointer]


@pytest.mark.parametrize(
    ("table", "pointer"),
    [
        (b"kind,id\nparty\n", "/2"),
        (b"kind,id,valid_from\nparty,a,1.1.2024\n", "/2/valid_from"),
        (b"kind,id,facts.country\nparty,a,json:{\n", "/2/facts.country"),
        (b"kind,id,facts.data,facts.data.people\nasset,a,5,6\n", "/2/facts.data.people"),
        (b"kind,id,facts.data.people.rest,facts.data.people\nasset,a,0,6\n", "/2/facts.data.people"),
        (b"kind,id,evidence.report,evidence.report.dated\nparty,a,none,2024-01-01\n", "/2/evidence.report.dated"),
        (b"kind,id,travels\nasset,a,x\n", "/2/travels"),
    ],
)
def test_what_is_no_entity_is_told_and_the_others_are_read(table, pointer):
    """At its line and column."""
    first, second = spreadsheet.read(
        table.rstrip() + b"\n" + b",".join([b"party", b"b"] + [b""] * (table.split(b"\n")[0].count(b",") - 1)), STATES
    )
    assert isinstance(first, EntityRefused)
    assert [place.pointer for place in first.places] == [pointer]
    assert not isinstance(second, EntityRefused)
    assert second.id == "b"


def test_too_much_is_refused():
    """More entities than are taken in at once, and one that is too large."""
    table = b"kind,id\n" + b"".join(b"party,p%d\n" % number for number in range(10_001))
    with pytest.raises(EntityRefused) as wrong:
        list(import_export.read(table, "csv", STATES))
    assert wrong.value.places[0].code == "too-many"
    large = json.dumps({"entities": [{"kind": "user", "id": "a", "facts": {"x": "y" * 70_000}}]})
    (found,) = import_export.read(large.encode(), "json", STATES)
    assert isinstance(found, EntityRefused)
    assert found.places[0].code == "too-large"
