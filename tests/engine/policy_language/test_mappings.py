"""Mappings of what other programs send: what a bundle has of them, and that they are part of it as its policies are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import engine
from engine.authoring.bundle_changes import changes

HERE = Path(__file__).parent
SHARED = {f"_shared/{name}": (HERE / name).read_bytes() for name in ("vocabulary.yaml", "neighbour.yaml", "licence.yaml")}
GATEWAY = (HERE / "mappings" / "good" / "a-gateway.yaml").read_bytes()
TERMS = (HERE / "mappings" / "good" / "terms.yaml").read_bytes()


def load(gateway: bytes = GATEWAY, **more: bytes) -> engine.Bundle:
    files = {f"{name}.yaml": data for name, data in more.items()}
    return engine.load_sources({**SHARED, "ours/gateway.yaml": gateway, **files})


def test_a_bundle_has_its_mappings_by_name() -> None:
    """Each has its door, its text and a digest; they are in the order of their names."""
    bundle = load(terms=TERMS)
    assert list(bundle.mappings) == ["other", "reports"]
    found = bundle.mappings["reports"]
    assert (found.name, found.door, found.file, found.line) == ("reports", "opa", "ours/gateway.yaml", 1)
    assert isinstance(found.text, engine.RequestMappingText)
    assert found.text.title.zh == "报告前的网关"
    assert isinstance(bundle.mappings["other"].text, engine.TermMappingText)


def test_the_digest_of_a_mapping_is_of_what_it_says() -> None:
    """It is the SHA-256 of its canonical JSON: comments and the order of keys leave it, another word changes it."""
    found = load().mappings["reports"]
    said = found.text.model_dump(mode="json", by_alias=True)
    assert found.digest == hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert load(b"# A comment.\n" + GATEWAY.replace(b"\n\n", b"\n")).mappings["reports"].digest == found.digest
    assert load(GATEWAY.replace(b"there: BB", b"there: NO")).mappings["reports"].digest != found.digest


def test_a_mapping_is_part_of_what_a_bundle_means() -> None:
    """Who changes what a request states changes what is decided: both digests of the bundle change."""
    before, commented, changed = load(), load(GATEWAY + b"# The end.\n"), load(GATEWAY.replace(b"there: BB", b"there: NO"))
    assert before.digests.meaning == commented.digests.meaning != changed.digests.meaning
    assert len({each.digests.source for each in (before, commented, changed)}) == 3
    assert engine.load_sources(SHARED).digests.meaning != before.digests.meaning


def test_a_name_occurs_once() -> None:
    """Two mappings of one name would leave open which of them a program asks."""
    try:
        load(again=GATEWAY)
    except engine.BundleRefused as refused:
        (found,) = refused.diagnostics
        assert (found.code, found.message) == ("duplicate-id", "the mapping `reports` is written twice")
    else:
        raise AssertionError("it loads")


def test_what_changes_in_a_mapping_is_named() -> None:
    """`fifthfactor diff` names each place of a mapping that reads otherwise, and one that comes or goes."""
    after = load(GATEWAY.replace(b"GET /health", b"GET /ready").replace(b"there: BB", b"there: NO"), terms=TERMS)
    added, changed = changes(load(), after)
    assert (added.what, added.name, added.change, added.title) == ("mapping", "other", "added", "another vocabulary")
    assert (changed.what, changed.name, changed.change) == ("mapping", "reports", "changed")
    assert changed.details == (
        "reading: `facts /consumer/tags values there` BB → NO",
        "reading dropped: `operations GET /health moves_no_data en` It says whether the service is up.",
        "reading added: `operations GET /ready moves_no_data en` It says whether the service is up.",
    )


def test_a_fact_is_found_where_a_mapping_names_it() -> None:
    """Renaming a fact finds it as a constant, as what a place states, and as what an id states."""
    bundle = load(terms=TERMS)
    places = engine.NamePlaces(bundle, engine.editor_schemas(bundle), bundle.sources, engine.TreeCache().read)
    names = [engine.Name("fact", name) for name in ("exporter.country", "data.shared", "recipient.country", "data.label")]
    found = {(use.at.file, use.at.line, use.name.id) for use in places.uses(*names) if not use.at.file.startswith("_shared")}
    assert found == {
        ("ours/gateway.yaml", 7, "exporter.country"),
        ("ours/gateway.yaml", 12, "data.shared"),
        ("ours/gateway.yaml", 13, "recipient.country"),
        ("ours/gateway.yaml", 16, "data.label"),
        ("terms.yaml", 6, "recipient.country"),
    }


def test_a_mapping_is_laid_out_like_any_other_file() -> None:
    """`fifthfactor fmt` leaves what is well laid out, and its schema line names the schema of a mapping."""
    assert engine.lay_out("gateway.yaml", GATEWAY) == GATEWAY
    assert engine.lay_out("terms.yaml", TERMS, ".schemas").startswith(
        b"# yaml-language-server: $schema=.schemas/mapping.json\n"
    )
