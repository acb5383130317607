"""An inventory as exchanges: what its columns and cells state by the words of the policies, and what they leave open."""

from __future__ import annotations

import pytest

import engine
import engine.tables
from engine.tables import TableMapping, read_mapping
from service.tables.inventory import Inventory, read_inventory
from service.tables.inventory_columns import FactlessTable, mapping_with, proposals
from service.tables.inventory_file import InventoryRefused, read_table

NOTHING = TableMapping()
PLAIN = "system,vendor,country\nPayroll,Acme Pay,UK\nCRM,Foo,Germany\n"


@pytest.fixture(scope="module")
def law() -> engine.Bundle:
    """The bundled policies."""
    return engine.load(engine.bundled_policies())


def read(law: engine.Bundle, text: str, mapping: str = "") -> Inventory:
    """What is understood of a table."""
    said = read_mapping(law, "map.yaml", mapping.encode()) if mapping else NOTHING
    return read_inventory(law, read_table(text.encode()), said)


def read_with(law: engine.Bundle, text: str, *said: str, mapping: str = "") -> Inventory:
    """What is understood of a table of which `--column` says something."""
    table = read_table(text.encode())
    first = read_mapping(law, "map.yaml", mapping.encode()) if mapping else NOTHING
    return read_inventory(law, table, mapping_with(law, table.columns, first, said))


def stated(law: engine.Bundle, column: str, cell: str) -> tuple[object, list[str]]:
    """What one cell states, and why what is unclear in it is so."""
    (draft,) = read(law, f'Name,{column}\nCRM,"{cell}"\n').drafts
    return next(iter(draft.stated.values()), None), [each.why for each in draft.unclear]


def test_a_row_becomes_the_exchange_that_its_cells_state(law: engine.Bundle) -> None:
    """Columns by what people call them, values by their names or titles; a set stays open."""
    found = read(law, "System,Vendor country,Our country,Data categories\nCRM,Germany,CN,contact; data of employees\n")
    (draft,) = found.drafts
    assert (draft.line, draft.name) == (2, "CRM")
    assert draft.exchange == {
        "exporter": {"country": "CN"},
        "recipient": {"country": "DE"},
        "data": {"categories": ["contact", "employee", "unknown"]},
    }
    assert found.understood


def test_a_chinese_inventory_is_read_as_the_english_one(law: engine.Bundle) -> None:
    """Headers and titles in Chinese."""
    found = read(law, "系统,供应商所在国,我方国家,存储地点,是否含个人信息\n工资,德国,中国,新加坡,yes\n")
    assert found.drafts[0].exchange == {
        "exporter": {"country": "CN"},
        "recipient": {"country": "DE"},
        "data": {"stored_in": ["SG", "unknown"], "personal": True},
    }


@pytest.mark.parametrize(
    "header", ["Vendor Country", "vendor_country", "VENDOR-COUNTRY", "Country of vendor", "recipient.country"]
)
def test_a_column_is_called_in_any_spelling(law: engine.Bundle, header: str) -> None:
    """Or by the fact itself."""
    assert stated(law, header, "DE") == ("DE", [])


@pytest.mark.parametrize(
    ("cell", "proposed"),
    [
        ("UK", "did you mean `GB`"),
        ("Korea", "`KP` (Korea (North)) or `KR` (Korea (South))"),
        ("EU", "did you mean"),
        ("Frankfurt", "did you mean `DE`"),
        ("Germany, France", "is not one of"),
        ("Atlantis", "`fifthfactor facts recipient.country` lists them"),
        ("-", "begins like a formula"),
        ("n/a", "is not one of"),
        ("=HYPERLINK(1)", "begins like a formula"),
        ("@SUM(A1)", "begins like a formula"),
        ("＝1", "begins like a formula"),
        ("D" * 2_000, "is not one of"),
        ("[1]", "is not"),
        ("{}", "is not"),
    ],
)
def test_an_unclear_country_states_nothing_and_is_told(law: engine.Bundle, cell: str, proposed: str) -> None:
    """With what it may mean; nothing is guessed."""
    value, (why,) = stated(law, "Vendor country", cell)
    assert value is None
    assert proposed in why


def test_what_is_understood_of_a_list_is_stated_and_the_rest_told(law: engine.Bundle) -> None:
    """By separators in English and Chinese; the title of a country may have a comma."""
    assert stated(law, "Hosting country", "Germany; France、SG") == (["DE", "FR", "SG", "unknown"], [])
    assert stated(law, "Hosting country", "DE, FR") == (["DE", "FR", "unknown"], [])
    value, (why,) = stated(law, "Hosting country", "Germany; Atlantis")
    assert (value, "Atlantis" in why) == (["DE", "unknown"], True)


def test_what_is_unknown_or_empty_states_nothing(law: engine.Bundle) -> None:
    """And nobody is asked what it means."""
    assert stated(law, "Hosting country", "unknown") == (None, [])
    (draft,) = read(law, "System,Vendor country,Our country\nCRM,,CN\n").drafts
    assert (draft.exchange, draft.unclear) == ({"exporter": {"country": "CN"}}, ())


def test_no_list_of_an_inventory_says_that_there_is_nothing_else(law: engine.Bundle) -> None:
    """Not even an empty one: what is not in an inventory is asked."""
    assert stated(law, "act.bars", "[]") == (None, [])
    assert stated(law, "data.controls", "none") != ([], [])


def test_a_column_that_may_mean_several_facts_states_none(law: engine.Bundle) -> None:
    """It is told with some of them; one that means nothing is told too, and is no question."""
    found = read(law, "System,Vendor country,Location,Cost centre\nCRM,DE,FR,7\n")
    columns = {each.name: each for each in found.columns}
    assert columns["Location"].unclear
    assert {"exporter.country", "recipient.country"} <= {*columns["Location"].may_mean}
    assert not columns["Cost centre"].unclear
    assert found.drafts[0].exchange == {"recipient": {"country": "DE"}}
    assert not found.understood


def test_two_columns_of_one_fact_state_nothing(law: engine.Bundle) -> None:
    """Neither is taken before the other."""
    found = read(law, "Our country,Vendor country,Supplier country\nCN,DE,FR\n")
    assert [each.unclear for each in found.columns] == [False, True, True]
    assert "`Vendor country` and `Supplier country` are both called `recipient.country`" in found.columns[1].why
    assert found.drafts[0].exchange == {"exporter": {"country": "CN"}}


def test_a_mapping_says_what_is_unclear(law: engine.Bundle) -> None:
    """As for `decide`: columns, words, what every row states, the name of a row, and what to leave out."""
    mapping = """\
map:
  Location: {fact: data.stored_in, split: "|", titles: yes, values: {Cloud EU: [DE, IE]}}
  Vendor country: {fact: recipient.country, values: {UK: GB}}
constants: {exporter.country: CN}
key: System
ignore: [Owner]
"""
    found = read(law, "No,System,Vendor country,Location,Owner\n7,CRM,UK,Cloud EU|France,Bob\n", mapping)
    assert found.understood
    (draft,) = found.drafts
    assert draft.name == "CRM"
    assert draft.exchange == {
        "exporter": {"country": "CN"},
        "recipient": {"country": "GB"},
        "data": {"stored_in": ["DE", "IE", "FR", "unknown"]},
    }


def test_the_plainest_list_is_refused_with_what_its_columns_may_mean(law: engine.Bundle) -> None:
    """A country may be that of either party, or where data are; a vendor is a recipient, and what names it comes first."""
    with pytest.raises(FactlessTable) as refused:
        read(law, PLAIN)
    system, vendor, country = refused.value.columns
    assert not system.unclear
    assert vendor.may_mean[0] == "recipient.id"
    assert country.may_mean[:2] == ("recipient.country", "exporter.country")
    assert "data.stored_in" in country.may_mean
    assert {*country.may_mean} <= {*law.words.facts_of("country")}
    assert f"column `country`: may mean one of 14 facts, such as: {', '.join(country.may_mean)}" in refused.value.faults
    assert proposals(refused.value.columns) == ["vendor=recipient.id", "country=recipient.country"]


def test_the_short_form_says_what_columns_of_the_plainest_list_state(law: engine.Bundle) -> None:
    """A title means its value, as in columns that are understood by themselves; `UK` is still a word, and so a proposal."""
    found = read_with(law, PLAIN, "country=recipient.country", "Vendor = recipient.id", "system=data.id")
    payroll, crm = found.drafts
    assert crm.exchange == {"data": {"id": "CRM"}, "recipient": {"id": "Foo", "country": "DE"}}
    assert payroll.exchange == {"data": {"id": "Payroll"}, "recipient": {"id": "Acme Pay"}}
    assert "did you mean `GB`" in payroll.unclear[0].why
    assert (payroll.name, proposals(found.columns)) == ("Payroll", [])


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (["contry=recipient.country"], "the table has no column `contry`; did you mean `country`?"),
        (["price=recipient.country"], "the table has no column `price`; it has `system`, `vendor`, `country`"),
        (["country=recipient.contry"], "did you mean `recipient.country`?"),
        (["country=country"], "did you mean `exporter.country` or `recipient.country`?"),
        (["country"], "write COLUMN=FACT, or COLUMN= where it states nothing"),
        (["=recipient.country"], "write COLUMN=FACT"),
        (["country=recipient.country", "system=recipient.country"], "is stated by the column `country`"),
        (["country=recipient.country", "country="], "what `country` states is said already"),
        (["country=", "country=recipient.country"], "what `country` states is said already"),
        (["vendor=recipient.kind"], "what `vendor` states is said already"),
        (["country=exporter.country"], "is stated by every row, under `constants`"),
    ],
)
def test_a_wrong_short_form_is_refused_with_what_was_meant(law: engine.Bundle, said: list[str], fault: str) -> None:
    """A column that is not there, no fact, or what is said already."""
    with pytest.raises(InventoryRefused) as refused:
        read_with(law, PLAIN, *said, mapping="map: {vendor: recipient.id}\nconstants: {exporter.country: CN}\n")
    assert fault in refused.value.faults[0]
    assert f"`{said[-1]}`" in refused.value.faults[0]


def test_a_column_may_be_said_to_state_nothing_or_several_facts(law: engine.Bundle) -> None:
    """Beside a mapping, which says the rest; several values are parted as usual."""
    text = "System,Vendor country,Owner,Location\nCRM,DE,Bob,France; Kenya\n"
    said = ("Owner=", "Location=data.stored_in", "Location=act.access_from")
    found = read_with(law, text, *said, mapping="constants: {exporter.country: CN}\n")
    assert found.understood
    assert found.drafts[0].exchange == {
        "exporter": {"country": "CN"},
        "recipient": {"country": "DE"},
        "data": {"stored_in": ["FR", "KE", "unknown"]},
        "act": {"access_from": ["FR", "KE", "unknown"]},
    }


def test_what_is_said_of_one_column_is_not_taken_from_it_by_another(law: engine.Bundle) -> None:
    """The other, which is called so, is unclear; it may be said to state nothing."""
    text = "System,Vendor country,Supplier country\nCRM,DE,FR\n"
    assert proposals(read(law, text.replace("System", "Our country")).columns) == [
        "Vendor country=recipient.country", "Supplier country="
    ]  # fmt: skip
    found = read_with(law, text, "Supplier country=recipient.country")
    assert found.columns[1].why == "`recipient.country` is stated by `Supplier country`"
    assert found.drafts[0].exchange == {"recipient": {"country": "FR"}}
    assert proposals(found.columns) == ["Vendor country="]


@pytest.mark.parametrize("header", ["supplier", "Vendor", "供应商"])
def test_a_bare_vendor_is_a_proposal_and_its_name_is_understood(law: engine.Bundle, header: str) -> None:
    """The bare word also means a role and, for `supplier`, the exporter."""
    columns = {each.name: each for each in read(law, f"System,{header},Vendor country\nCRM,Foo,DE\n").columns}
    assert columns[header].may_mean[0] == "recipient.id"
    named = f"{header}名称" if header == "供应商" else f"{header} name"
    assert stated(law, named, "Foo Ltd.") == ("Foo Ltd.", [])


def test_a_mapping_of_columns_that_are_not_there_is_refused(law: engine.Bundle) -> None:
    """Each of them."""
    with pytest.raises(InventoryRefused) as refused:
        read(law, "Vendor country\nDE\n", "map: {Land: recipient.country}\nkey: Nr\n")
    assert len(refused.value.faults) == 2


def test_a_table_of_which_no_column_states_a_fact_is_refused(law: engine.Bundle) -> None:
    """It is no inventory of transfers, or its words are others."""
    with pytest.raises(InventoryRefused, match="no column states a fact: say with --column or --map"):
        read(law, "Name,Cost centre\nCRM,7\n")


def test_a_row_that_no_exchange_can_be_is_no_draft(law: engine.Bundle) -> None:
    """A contradiction is told; a row that states nothing is none either."""
    found = read(law, "Data categories,PII,Vendor country\nidentity,no,DE\n,,\n,unknown,\n")
    contradiction, silent = found.drafts
    assert contradiction.refused == ("data about people's identity are personal",)
    assert silent.refused == ("the row states no fact",)


def test_what_only_the_register_says_is_not_stated(law: engine.Bundle) -> None:
    """Nor the day of an exchange, nor what members of an exchange are no facts."""
    for header in ("as_of", "relies_on", "carried", "recipient"):
        found = read(law, f"{header},Vendor country\n2020-01-01,DE\n")
        assert found.drafts[0].exchange == {"recipient": {"country": "DE"}}


def test_equal_cells_are_read_once(law: engine.Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a thousand rows take no time."""
    asked = []
    original = engine.tables.FactPlaces.wrong

    def wrong(places: engine.tables.FactPlaces, name: str, value: object) -> str:
        asked.append(value)
        return original(places, name, value)

    monkeypatch.setattr(engine.tables.FactPlaces, "wrong", wrong)
    read(law, "Vendor country,System\n" + "DE,x\n" * 50)
    assert asked == ["DE"]
