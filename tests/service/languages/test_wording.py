"""Pages and reports say the same in each language, and every text is on some page."""

import json
import os
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import engine
from engine.languages.word_catalogue import read
from service.console.reader import PageReader
from service.console.sign_in_pages import Ways, sign_in_page
from service.languages import words
from service.languages.words import HERE, Group, wording
from tests.service.conftest import ROOT
from tests.service.languages.made_names import made_names
from tests.service.languages.used_texts import in_code, in_templates

FIRST = read("en.yaml", (HERE / "en.yaml").read_bytes())
OTHERS = sorted({each.stem for each in HERE.glob("*.yaml")} - {"en"})  # also one that has no class yet
# Texts whose whole name is in a variable of a template or of the code.
IN_A_VARIABLE = {
    "pages": {"promise_due", "promise_kept", "promise_overdue"},  # the state of a promise
    "ledger": {"rights"},  # the parts of the ledger
    "books": {
        "destination_register", "grade", "kind", "month", "not_here", "purpose", "reached", "sector", "source_register", "too_many",
        "venue",
    },  # dimensions, and why there is no table
    "policies": {"instruments", "workbench"},  # the parts of the policies
    "drafts": {"no_answer_given", "no_day_given", "no_number_given", "no_range_given"},  # what a form lacks
    "operations": {"cookie", "header", "path", "query"},  # the places of a parameter
    "workbench": {
        "checking", "editor", "error", "no_answer", "no_decision", "no_exchange", "sound", "unsound", "warning",
    },  # what the editor says
    "sign_in": {
        "access_denied", "administer", "and", "code_refused", "commit", "evaluate", "no_attempt", "no_code", "no_person", "no_role",
        "no_token", "not_recorded", "old_form", "provider_away", "provider_wrong", "read", "used", "wrong_issuer", "wrong_key",
        "wrong_party", "wrong_state", "wrong_token",
    },  # scopes, and why nobody was signed in
}  # fmt: skip


def test_the_names_have_the_types_that_code_reads() -> None:
    """`names.py` is made from the first catalogue."""
    file = HERE / "names.py"
    if os.environ.get("RECORD"):
        file.write_text(made_names(), "utf-8")
    assert file.read_text("utf-8") == made_names()


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_has_every_text_with_its_placeholders(code: str) -> None:
    """No more, and no fewer."""
    assert read(f"{code}.yaml", (HERE / f"{code}.yaml").read_bytes()).compared(FIRST) == []


def test_each_language_of_the_engine_has_a_catalogue_and_no_other_is_here() -> None:
    """A file of a language that the engine does not speak would be read by nobody."""
    catalogues = {each.stem for each in HERE.glob("*.yaml")}
    assert catalogues == set(engine.LANGUAGES), "a language has a catalogue here, one in engine/languages, and a class there"


def test_every_text_that_a_template_names_is_there() -> None:
    """Of a name that is put together, some begin so."""
    for group, name, where in in_templates():
        stem = name.removesuffix("*")
        known = FIRST.groups[group]
        assert name in known or (name != stem and any(each.startswith(stem) for each in known)), f"{where}: {group}.{name}"


def test_every_text_is_used() -> None:
    """What no page and no report shows is no work for a translator."""
    used = {(group, name) for group, name, _ in (*in_templates(), *in_code(set(FIRST.groups)))}
    stems = {(group, name[:-1]) for group, name in used if name.endswith("*")}
    used |= {(group, name) for group, names in IN_A_VARIABLE.items() for name in names}
    left = {
        f"{group}.{name}"
        for group, texts in FIRST.groups.items()
        for name in texts
        if (group, name) not in used and not any(group == of and name.startswith(stem) for of, stem in stems)
    }
    assert left == set()
    assert {
        group: names - FIRST.groups[group].keys()
        for group, names in IN_A_VARIABLE.items()
        if names - FIRST.groups[group].keys()
    } == {}


def test_no_text_has_the_name_of_a_member() -> None:
    """A template would read the member."""
    members = set(dir(Group))
    assert [name for texts in FIRST.groups.values() for name in texts if name in members] == []


def test_a_third_language_is_begun_without_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What it has is right, and what it lacks is told by name. A page is shown in it once nothing is missing."""
    begun = read("es.yaml", Path(__file__).with_name("es.yaml").read_bytes())
    faults = begun.compared(FIRST)
    assert [fault for fault in faults if not fault.endswith("is missing")] == []
    assert "es.yaml: `drafts.ask` is missing" in faults
    whole = {group: {**texts, **begun.groups.get(group, {})} for group, texts in FIRST.groups.items()}
    (tmp_path / "en.yaml").write_bytes((HERE / "en.yaml").read_bytes())
    (tmp_path / "es.yaml").write_text(json.dumps(whole), "utf-8")
    monkeypatch.setattr(words, "HERE", tmp_path)
    monkeypatch.setattr(engine, "LANGUAGES", {"en": engine.LANGUAGES["en"], "es": engine.LANGUAGES["en"]})
    words._read.cache_clear()
    try:
        page = sign_in_page(Ways(None, needed=True), "/", "", PageReader(engine.load(engine.bundled_policies()), "es"))
        assert wording("es").pages["ago_minutes"].format(5) == "hace 5 minutos"
    finally:
        words._read.cache_clear()
    assert "<h1>Iniciar sesión</h1>" in page
    assert "Ir al contenido" in page


def test_the_catalogues_are_read_once() -> None:
    """Each page asks for them again."""
    assert wording("en") is wording("en")


def test_the_wheel_has_the_catalogues() -> None:
    """An installed program reads them beside its modules."""
    packed = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {f"{package}/languages/{code}.yaml" for package in ("engine", "service") for code in engine.LANGUAGES} <= packed
