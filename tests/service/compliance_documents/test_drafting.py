"""Drafts: never more than the record holds, each entry with its place, and what a person must write marked and listed."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

import engine
from service.compliance_documents.draft_document import DraftDocument, StatedValue
from service.compliance_documents.drafting import drafted
from service.compliance_documents.markdown_file import markdown
from service.compliance_documents.template_files import laws_terms, templates, unknown_names, unknown_terms
from service.compliance_documents.template_text import BothText, TemplateText, TermsText
from service.compliance_documents.told_record import ShownBy, ToldRecord
from service.languages.words import wording
from tests.service.compliance_documents.conftest import Desk, case

MOST_CASES = 12
_PLACE = re.compile(r"(?:request for the decision|counter of the ledger|决定申请|台账计数)[ （(]+([\w.-]+)[)）]")
NOTHING: dict[str, Any] = {"exporter": {"country": "DE"}, "recipient": {"country": "IN"}}


@pytest.fixture(scope="module")
def pdp(desk: Desk) -> engine.PDP:
    """The bundled policies."""
    return desk.service.live.pdp


def told(pdp: engine.PDP, exchange: engine.Exchange, day: date, lang: str) -> ToldRecord:
    """A record of the decision on an exchange, as a log would hold it."""
    judgement = pdp.judge(exchange, as_of=day)
    written = pdp.answer(judgement, today=day, id="one")
    record = {
        "id": "one",
        "recorded_at": datetime(2026, 11, 25, tzinfo=UTC).isoformat(),
        "as_of": day.isoformat(),
        "request": exchange.document,
        "decision": json.loads(written.json()),
        "verdict": json.loads(written.verdict),
        "bundle": {"source": "s" * 64, "meaning": "m" * 64},
    }
    explanation = json.loads(pdp.explain(judgement, today=day, id="one", parts=("reasons", "duties", "coverage"), lang=lang))
    return ToldRecord(record, pdp.bundle, explanation, "", None, ShownBy(), False, UTC)


def texts(draft: DraftDocument) -> list[StatedValue]:
    """Every value of a draft."""
    fields = (*draft.head, *(each for one in (*draft.sections, *draft.beside) for each in one.fields))
    return [value for field in fields for value in field.values]


def stated(document: Any, path: str) -> Any:
    """What a document states at a path; None where it states nothing."""
    for step in path.split("."):
        document = document.get(step) if isinstance(document, dict) else None
    return document


def said_of(fact: str, sent: Any, template: TemplateText, book: engine.Phrasebook, lang: str) -> Iterator[list[str]]:
    """For each part of a value the ways in which a draft may say it: in the terms of a law, by the policies' titles, or as it was sent."""
    say, terms = engine.LANGUAGES[lang], [laws_terms()[each] for each in named_terms(template)]
    if isinstance(sent, list) and sent:
        for each in sent:
            yield from said_of(fact, each, template, book, lang)
    elif isinstance(sent, dict) and not {"at_least", "stated"} & set(sent):
        for name, inner in sent.items():
            yield from said_of(f"{fact}.{name}", inner, template, book, lang)
    else:
        own = [called_values(each, fact)[sent].in_(lang) for each in terms if str(sent) in called_values(each, fact)]
        day = [say.day_in_words(date.fromisoformat(sent))] if re.fullmatch(r"\d{4}-\d\d-\d\d", str(sent)) else []
        yield own or day or [book.told(fact, sent)[:1_000], say.as_sent(sent)]


def called_values(terms: TermsText, fact: str) -> dict[Any, BothText]:
    """What the terms of a law call the values of a fact."""
    return dict(terms.called[fact].values) if fact in terms.called else {}


def named_terms(template: TemplateText) -> set[str]:
    """The terms that a template and its parts name."""
    return {template.terms, *(each.terms for each in template.sections if each.terms)}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_draft_of_a_permit_across_borders_says_only_what_the_record_holds(pdp: engine.PDP, lang: str) -> None:
    """For permits of the policies' own tests: each value is that of the fact it names, each provision stands, no heading is empty."""
    book, seen = engine.Phrasebook(pdp.bundle, engine.LANGUAGES[lang]), 0
    provisions = {rule.provision.id for rule in pdp.bundle.rules.rules}
    for trial in engine.trials(pdp.bundle, pdp.bundle)[:: 61 if lang == "en" else 67]:
        exchange = engine.parse_exchange(pdp.bundle, trial.raw)
        sides = [stated(exchange.document, f"{side}.country") for side in ("exporter", "recipient")]
        if None in sides or sides[0] == sides[1]:
            continue
        record = told(pdp, exchange, trial.as_of or exchange.as_of or date(2026, 11, 24), lang)
        if not record.record["decision"]["proceed"]:
            continue
        stands = {key.partition("~")[0] for key in record.standing}
        for template in templates().values():
            draft, parts = drafted(template, record, lang), {each.title.in_(lang) for each in template.sections}
            assert not any("not a permit" in each for each in draft.warnings)
            for section in (*draft.sections, *draft.beside):
                assert section.title
                assert section.fields or section.tables
                assert all(table.rows or table.empty for table in section.tables)
                assert all(field.values or field.unstated or field.write for field in section.fields)
            for value in texts(draft):
                assert value.text.strip()
                assert value.note
                for fact in () if value.text in parts else _PLACE.findall(value.note):  # a part that is left out names the fact
                    sent = stated(exchange.document, fact)
                    assert sent is not None, value
                    for ways in said_of(fact, sent, template, book, lang):
                        assert any(each in value.text for each in ways), (value, ways)
                named = re.findall(r"[\w.-]+/[\w.-]+", value.note)
                assert set(named) <= stands & provisions, value
        seen += 1
        if seen == MOST_CASES:
            break
    assert seen == MOST_CASES


def test_every_template_speaks_both_languages_and_of_what_the_policies_have(pdp: engine.PDP) -> None:
    """No template names a fact, a document, a requirement, a provision or a jurisdiction that the bundled policies do not have."""
    assert len(templates()) == 5
    for text in templates().values():
        assert list(unknown_names(text, pdp.bundle)) == []
        assert re.search("[\u4e00-\u9fff]", text.title.zh)
    for terms in laws_terms().values():
        assert list(unknown_terms(terms, pdp.bundle)) == []
        assert set(terms.writers) == {"exporter", "importer", "counsel"}


def test_a_template_that_is_none_is_told_with_its_line() -> None:
    """A misspelt key, a field that says nothing, a text in one language: each is refused where it stands."""
    text = b"""\
document: test
title: {en: Test, zh: \xe6\xb5\x8b\xe8\xaf\x95}
about: {en: Test, zh: \xe6\xb5\x8b\xe8\xaf\x95}
cite: {en: Art. 1}
status: sure
terms: eu
source: a test
verify_by: "2027-05-31"
asked_by: [a/b]
sections:
  - title: {en: One, zh: \xe4\xb8\x80}
    feilds: []
  - title: {en: Two, zh: \xe4\xba\x8c}
    fields:
      - title: {en: Three, zh: \xe4\xb8\x89}
        status: ours
"""
    with pytest.raises(engine.InvalidDocument) as refused:
        engine.read_document(TemplateText, "test.yaml", text)
    said = str(refused.value)
    assert "test.yaml:4" in said
    assert "`zh` is missing" in said
    assert "there is no key `feilds`" in said
    assert "test.yaml:5" in said
    assert "a person must `write` it" in said
    assert BothText(en="a", zh="b").in_("zh") == "b"


SURE = """\
document: test
title: {en: Test, zh: 测试}
about: {en: Test, zh: 测试}
cite: {en: Art. 1, zh: 第一条}
status: confirmed
terms: eu
source: a test
verify_by: "2027-05-31"
asked_by: [a/b]
sections:
  - title: {en: One, zh: 一}
    cite: {en: Art. 2, zh: 第二条}
    status: confirmed
    fields:
      - title: {en: Read, zh: 读过}
        status: confirmed
        write: {en: a text, zh: 文字}
      - title: {en: Added, zh: 补充}
        write: {en: a text, zh: 文字}
"""


def test_a_field_is_not_as_sure_as_its_section_unless_it_says_so(pdp: engine.PDP) -> None:
    """A field without a mark is refused; one that is from memory says so in its own place, whatever its section says."""
    with pytest.raises(engine.InvalidDocument) as refused:
        engine.read_document(TemplateText, "test.yaml", SURE.encode())
    assert "test.yaml:18" in str(refused.value)
    assert "`status` is missing" in str(refused.value)
    added = SURE.replace("补充}\n", "补充}\n        status: from-memory\n")
    record = told(pdp, engine.parse_exchange(pdp.bundle, json.dumps(NOTHING).encode()), date(2026, 11, 24), "en")
    draft = drafted(engine.read_document(TemplateText, "test.yaml", added.encode()), record, "en")
    notes = [(each.title, each.note) for each in draft.sections[0].fields]
    assert notes == [("Read", ""), ("Added", "To be checked: this item is from memory.")]
    placed = added.replace(
        "        status: from-memory\n", "        cite: {en: Art. 3, zh: 第三条}\n        status: from-memory\n"
    )
    draft = drafted(engine.read_document(TemplateText, "test.yaml", placed.encode()), record, "en")
    assert [each.note for each in draft.sections[0].fields] == ["", "Basis: Art. 3 (from memory)."]
    assert [each.cells for each in draft.after[0].rows] == [("One", "Added: Art. 3 (from memory)")]
    # Where no item was read, the part says it once, and each item does not.
    alike = added.replace("        status: confirmed\n", "        status: from-memory\n")
    (section,) = drafted(engine.read_document(TemplateText, "test.yaml", alike.encode()), record, "en").sections
    assert (section.cite, section.note) == ("Art. 2", "To be checked: the items of this part are from memory.")
    assert [each.note for each in section.fields] == ["", ""]
    bare = added.replace("    status: confirmed\n    fields", "    fields")
    with pytest.raises(engine.InvalidDocument, match="has both `cite` and `status`"):
        engine.read_document(TemplateText, "test.yaml", bare.encode())


def test_statements_that_do_not_fit_together_stand_above_the_draft(desk: Desk) -> None:
    """Those that a template names, and a register that states otherwise than the exchange; nothing is decided between them."""
    exchange = case("optician-munich-pune")
    desk.case("optician-munich-pune")
    exchange["recipient"]["country"] = "US"
    draft = desk.draft(desk.evaluate(exchange)["id"], "transfer-impact-assessment")
    doubts = draft.before[0]
    assert doubts.title == "Statements that do not fit together"
    said = {row.cells[0]: row.note for row in doubts.rows}
    assert (
        said["A category is stated that tells who a person is, and the data are stated to be pseudonymised or anonymised."]
        == "Source: request for the decision (data.categories); request for the decision (data.state)."
    )
    other = "data importer's country: United States; the register states otherwise: India"
    assert (
        said[other] == "Source: register at the time of the decision, under the data importer's identifier (recipient.country)."
    )
    draft = desk.draft(desk.case("retailer-shanghai-penang"), "pi-impact-assessment")
    assert [each.title for each in draft.before] == [f"What a person must still write ({len(list(draft.to_write()))})"]


def test_what_does_not_fit_together_is_told_of_values_that_the_policies_have(pdp: engine.PDP) -> None:
    """Each value of each condition is one that an exchange may state."""
    for template in templates().values():
        for doubt in template.doubts:
            for fact, values in doubt.where.items():
                for value in values:
                    plain: Any = int(value) if value.isdigit() else value
                    sent: Any = [plain] if fact in ("data.categories", "safeguards.measures") else plain
                    for step in reversed(fact.split(".")):
                        sent = {step: sent}
                    assert stated(engine.parse_exchange(pdp.bundle, json.dumps(sent).encode()).document, fact) in (
                        plain,
                        [plain],
                    )


def test_a_document_says_roles_in_the_words_of_its_own_law(pdp: engine.PDP, desk: Desk) -> None:
    """In a Chinese text on European law the exporter is the controller, and not by the word that means a processor there."""
    draft = desk.draft(desk.case("optician-munich-pune"), "scc-annexes", "zh")
    values = {value.text for section in draft.sections for field in section.fields for value in field.values}
    assert {"数据输出方角色：控制者", "数据输入方角色：处理者", "数据状态：假名化"} <= values
    for terms in laws_terms().values():
        for fact, called in terms.called.items():
            for value in called.values:
                sent: Any = [value] if fact == "safeguards.measures" else value
                for step in reversed(fact.split(".")):
                    sent = {step: sent}
                assert stated(engine.parse_exchange(pdp.bundle, json.dumps(sent).encode()).document, fact) in (value, [value])


def test_what_a_person_must_write_is_numbered_and_listed_first(desk: Desk) -> None:
    """A table with the part, the item, who writes it, and a box; the same number stands in the mark."""
    draft = desk.draft(desk.case("optician-munich-pune"), "scc-annexes")
    fields = [field for _, field in draft.to_write()]
    assert [each.number for each in fields] == list(range(1, len(fields) + 1))
    assert [row.cells[0] for row in draft.before[-1].rows] == [str(each.number) for each in fields]
    assert {row.cells[3] for row in draft.before[-1].rows} == {"data exporter", "data importer", "counsel"}
    text = markdown(draft)
    assert f"\\[1 To be written: {fields[0].write}\\]" in text
    assert text.index("What a person must still write") < text.index("The document begins here")


def test_a_decision_that_is_no_permit_gives_a_draft_that_says_so_first(desk: Desk) -> None:
    """What is not stated is listed, and nothing is filled in from elsewhere."""
    id = desk.evaluate(NOTHING)["id"]
    draft = desk.draft(id, "transfer-impact-assessment")
    assert not draft.permits
    assert draft.warnings[0].startswith("This decision is not a permit. Its outcome is: ")
    (importer,) = [field for _, field in draft.unstated() if field.title.startswith("Data importer")]
    assert "data importer's identifier" in importer.unstated
    assert [each.text for each in importer.values] == ["data importer's country: India"]
    assert draft.warnings[-1] == "In this record, no provision that asks for this document stands for certain."
    permitted = desk.draft(desk.case("optician-munich-pune"), "transfer-impact-assessment")
    assert permitted.permits
    # The exporter says that an assessment exists, and the decision rests on that: the draft is not that assessment.
    assert [each[:40] for each in permitted.warnings] == ["The decision took the data exporter's wo"]


def test_a_hypothetical_decision_permits_nothing_and_its_draft_says_so(desk: Desk) -> None:
    """The exchange of a permit, asked for another day."""
    id = desk.call("asker", "POST", "/v1/evaluate", {**unregistered(), "as_of": "2026-11-20"})["id"]
    draft = desk.draft(id, "scc-annexes")
    assert draft.warnings[0].startswith("This decision is hypothetical")
    assert not draft.permits


def test_it_says_who_stated_and_who_confirmed_a_document(desk: Desk) -> None:
    """A claim is stated by the exporter; a document is confirmed by the person who did, and a withdrawal afterwards is told too."""
    id = desk.case("optician-munich-pune")
    tool = documents(desk.draft(id, "transfer-impact-assessment"))
    assert tool["condition of Article 9 for special categories"] == "stated by the data exporter"
    scc = "standard contractual clauses of 2021, module two (controller to processor)"
    confirmed = (
        "stated by the data exporter\n"
        "that it is as stated was confirmed by Meera Rao on 25 November 2026; to be renewed by 30 November 2027"
    )
    assert tool[scc] == confirmed
    before = desk.before[id]
    # It was given for the decision before this one, and what is withdrawn there no longer counts.
    given = desk.call("reviewer", "GET", f"/v1/decisions/{before}/documents")["documents"]
    assert any(each["confirmations"] for each in given)
    desk.call(
        "reviewer", "POST", f"/v1/decisions/{before}/documents/evidence.eu-scc-m2/withdraw", {"reason": "a page is missing"}
    )
    later = desk.draft(id, "transfer-impact-assessment")
    assert documents(later)[scc] == f"{confirmed}\nwithdrawn by Meera Rao on 25 November 2026"
    assert later.warnings[-1] == "A confirmation of a document that counted in this decision was withdrawn afterwards."


def requested(fact: str) -> str:
    """The note of what the exchange states."""
    return f"Source: request for the decision ({fact})."


def registered(party: str, fact: str) -> str:
    """The note of what the register states of a party."""
    return f"Source: register at the time of the decision, under the {party}'s identifier ({fact})."


def test_what_the_register_states_is_told_as_the_registers(desk: Desk) -> None:
    """Also where the exchange states something else: both stand, each with its place."""
    id = desk.case("optician-munich-pune")
    values = texts(desk.draft(id, "record-of-processing"))
    assert StatedValue("data exporter's country: Germany", registered("data exporter", "exporter.country")) in values
    other = case("optician-munich-pune")
    other["recipient"]["country"] = "US"
    values = texts(desk.draft(desk.evaluate(other)["id"], "scc-annexes"))
    assert StatedValue("data importer's country: United States", requested("recipient.country")) in values
    assert StatedValue("the register states otherwise: India", registered("data importer", "recipient.country")) in values


def test_an_erased_value_is_told_as_erased(desk: Desk) -> None:
    """The record still verifies, the draft is still made, and the name is gone from it."""
    exchange = unregistered()
    exchange["evidence"]["eu-scc-m2"]["attested_by"] = "Ms Anna Vogel"
    id = desk.evaluate(exchange)["id"]
    before = texts(desk.draft(id, "scc-annexes"))
    assert any("Anna Vogel" in each.text for each in before)
    asyncio.run(desk.service.store.erase(id))
    draft = desk.draft(id, "scc-annexes")
    assert StatedValue("data exporter's identifier: erased", requested("exporter.id")) in texts(draft)
    whole = "\n".join(each.text for each in texts(draft))
    assert "shop-erased" not in whole
    assert "Anna Vogel" not in whole
    assert "attested by: erased" in whole


def test_a_part_of_a_law_that_the_decision_does_not_name_is_left_out(desk: Desk) -> None:
    """The record of processing of a transfer from China has no part of the law of the Union."""
    draft = desk.draft(desk.case("retailer-shanghai-penang"), "record-of-processing", "zh")
    (china,) = draft.sections
    assert china.fields
    assert "欧盟" not in china.title
    (left,) = [field for field in draft.head if field.title == "决定未就其给出结论、本表从略的法域"]
    assert [each.text for each in left.values] == ["欧洲联盟"]
    assert "通用数据保护条例" not in draft.head[0].note


def test_one_of_several_ways_is_enough(desk: Desk) -> None:
    """An assessment by the authority is unmet, and not needed where a standard contract is filed."""
    draft = desk.draft(desk.case("retailer-shanghai-penang"), "pi-impact-assessment")
    rows = {row.note: row.cells[-1] for section in draft.beside for table in section.tables for row in table.rows}
    place = "Source: state of the requirement in the record of the decision (cn.{})."
    assert rows[place.format("assessment")] == "not used: another way is stated as met"
    assert rows[place.format("export-notice")] == "met"
    # That it exists was taken from the exporter; the document does not say so of itself.
    assert place.format("impact-assessment") not in rows


def documents(draft: DraftDocument) -> dict[str, str]:
    """Who says so, by the title of each document and claim."""
    words = wording(draft.lang).compliance_documents
    tables = [table for section in draft.beside for table in section.tables if words["column_standing"] in table.columns]
    return {row.cells[0]: row.cells[2] for table in tables for row in table.rows}


def unregistered() -> dict[str, Any]:
    """The exchange of the first case, with parties that the register does not know."""
    exchange = case("optician-munich-pune")
    del exchange["named"]
    exchange["exporter"] |= {"id": "shop-erased", "country": "DE", "kind": "company", "sectors": ["commerce"]}
    exchange["recipient"] |= {"id": "help-erased", "country": "IN", "kind": "company", "listed_on": []}
    return exchange


def test_members_that_are_not_known_are_named_as_others(pdp: engine.PDP) -> None:
    """In a list of which more is unknown, and in a count that gives the rest in one."""
    exchange = {**NOTHING, "data": {"categories": ["contact", "unknown"], "people": {"sensitive": 12, "rest": 0}}}
    record = told(pdp, engine.parse_exchange(pdp.bundle, json.dumps(exchange).encode()), date(2026, 11, 24), "en")
    values = {each.text for each in texts(drafted(templates()["scc-annexes"], record, "en"))}
    assert "categories of data: contact; perhaps others" in values
    assert "number of data subjects: sensitive data: 12; all others: 0" in values


def test_a_part_stands_for_the_role_that_is_stated(pdp: engine.PDP) -> None:
    """A processor keeps another record than a controller; where no role is stated both parts stand, and what is left out is named."""

    def parts(role: dict[str, str]) -> tuple[list[str], list[str]]:
        exchange = {**NOTHING, "exporter": {"country": "DE", **role}, "data": {"personal": True}}
        record = told(pdp, engine.parse_exchange(pdp.bundle, json.dumps(exchange).encode()), date(2026, 11, 24), "en")
        draft = drafted(templates()["record-of-processing"], record, "en")
        left = [field for field in draft.head if field.title == "Parts of this form that are not for what is stated"]
        return [each.title for each in draft.sections], [value.text for field in left for value in field.values]

    controller, processor = "EU law: record of a controller", "EU law: record of a processor"
    assert parts({"role": "controller"}) == ([controller], [processor])
    assert parts({"role": "processor"}) == ([processor], [controller])
    assert parts({}) == parts({"role": "unknown"}) == ([controller, processor], [])


def test_a_state_that_may_be_one_of_several_is_told_in_words(pdp: engine.PDP) -> None:
    """Where what is stated does not settle a requirement, its row says between which states it is, in the language of the draft."""
    exchange = {"exporter": {"country": "CN"}, "recipient": {"country": "US"}, "data": {"personal": True}}
    for lang, said in (("en", "met or unmet"), ("zh", "已满足或者未满足")):
        record = told(pdp, engine.parse_exchange(pdp.bundle, json.dumps(exchange).encode()), date(2026, 11, 24), lang)
        draft = drafted(templates()["pi-impact-assessment"], record, lang)
        states = {row.cells[-1] for section in draft.beside for table in section.tables for row in table.rows}
        assert said in states, states


def test_a_country_that_is_not_known_is_said_to_be(pdp: engine.PDP) -> None:
    """Where the countries from which data are read are not all known, the law of the others is a gap too."""
    exchange = {**NOTHING, "act": {"kind": "remote-access", "access_from": ["IN", "unknown"]}, "data": {"personal": True}}
    record = told(pdp, engine.parse_exchange(pdp.bundle, json.dumps(exchange).encode()), date(2026, 11, 24), "zh")
    draft = drafted(templates()["transfer-impact-assessment"], record, "zh")
    gaps = [row.cells[0] for section in draft.sections for table in section.tables for row in table.rows]
    assert "尚不清楚" in gaps
    assert "unknown" not in gaps
