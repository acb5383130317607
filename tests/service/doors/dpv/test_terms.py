"""The terms of DPV 2.3: the table that is shipped, those of the vocabulary, and the grounds of a transfer."""

import csv
from pathlib import Path

import engine
from tests.service.doors.dpv.conftest import bundled

TABLES = Path(__file__).parents[1] / "fixtures" / "dpv" / "2.3"
GROUNDS = [f"eu-gdpr:{each}" for each in (
    "A45-3", "A46-2-a", "A46-2-b", "A46-2-c", "A46-2-d", "A46-2-e", "A46-2-f", "A46-3-a", "A46-3-b",
    "A49-1-a", "A49-1-b", "A49-1-c", "A49-1-d", "A49-1-e", "A49-1-f", "A49-1-g", "A49-2",
)]  # fmt: skip
# What meets the requirement without one of the seventeen grounds.
WITHOUT = {
    "united-kingdom-before", "outermost-regions", "art-48-agreement", "art-46-before-schrems", "assessment-against-a-finding",
}  # fmt: skip


def test_the_shipped_table_has_the_terms_of_the_three_published_tables():
    """Each term, whether it is a property, what it is an instance of, and what is broader: as the tables of version 2.3 say."""
    published: dict[str, dict[str, str]] = {}
    for name in ("dpv.csv", "pd.csv", "eu-gdpr.csv"):
        with (TABLES / name).open(encoding="utf-8", newline="") as file:
            published |= {row["iri"]: row for row in csv.DictReader(file)}
    shipped = {term.iri: term for term in engine.dpv_terms().values()}
    assert shipped.keys() == published.keys()
    assert len(shipped) == 1_116 + 231 + 234
    for iri, term in shipped.items():
        row = published[iri]
        assert term.is_property == (row["type"] == "property"), iri
        for told, cells in ((term.kinds, ("dpvtype",)), (term.broader, ("hasbroader", "subclassof"))):
            known = [each for cell in cells for each in row[cell].split(";") if each in published]
            assert set(known) == {shipped_one.iri for each in told if (shipped_one := engine.dpv_terms().get(each))}, iri


def test_each_of_the_seventeen_grounds_is_named_by_the_provisions_that_rest_on_it(table):
    """Every provision that meets the requirement of a transfer has one ground, but for those that rest on none of the seventeen."""
    assert list(dict.fromkeys(table.grounds.values())) == GROUNDS
    meets = {rule.key for rule in bundled().rules.rules if "eu.transfer-ground" in rule.satisfies}
    assert meets - table.grounds.keys() == {f"eu.gdpr-chapter-v/{name}" for name in WITHOUT}
    named = {row["term"] for row in _rows("eu-gdpr-modules/legal_basis_data_transfer.csv")}
    assert named - {"AdequacyDecision"} == {each.removeprefix("eu-gdpr:") for each in GROUNDS}


def test_a_document_of_the_general_regulation_is_one_ground_each():
    """Sixteen grounds are documents or claims; a decision on adequacy is none, since it is decided by the recipient's country."""
    kinds = bundled().vocabulary.kinds
    same = {text.dpv: kind for group in kinds.values() for kind, text in group.items() if text.dpv}
    assert same.keys() == set(GROUNDS) - {"eu-gdpr:A45-3", "eu-gdpr:A46-2-c"}
    clauses = [kind for kind, text in kinds["evidence"].items() if text.dpv_broader == "eu-gdpr:A46-2-c"]
    assert clauses == ["eu-scc-m1", "eu-scc-m2", "eu-scc-m3", "eu-scc-m4", "eu-scc-old"]


def test_no_two_values_of_a_set_mean_the_same_term_unless_one_lies_under_the_other():
    """Otherwise a term could be read as either."""
    for name, values in bundled().vocabulary.values.items():
        by_term: dict[str, list[str]] = {}
        for value, term in values.dpv.items():
            by_term.setdefault(term, []).append(value)
        for term, several in by_term.items():
            assert any(all(one in values.lineage[other] for other in several) for one in several), (name, term, several)


def _rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
