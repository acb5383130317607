"""A translator writes YAML: what a catalogue lacks, or has too much, is told with its line, and nothing is loaded."""

import ast
from pathlib import Path

import pytest

from engine.languages import ENGLISH, HERE, LANGUAGES
from engine.languages.english import English
from engine.languages.word_catalogue import CatalogueRefused, read, read_all

FIRST = b"pages:\n  title: Log\n  of: '{} of {:,}'\n"
BEGUN = Path(__file__).with_name("es.yaml")


def refused(folder: Path, other: str) -> str:
    """What is said of a second catalogue beside the first."""
    (folder / "en.yaml").write_bytes(FIRST)
    (folder / "xx.yaml").write_text(other, "utf-8")
    with pytest.raises(CatalogueRefused) as found:
        read_all(folder, ["en", "xx"])
    return str(found.value)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("pages:\n  title: Registro\n", "xx.yaml: `pages.of` is missing"),
        ("pages:\n  title: R\n  of: '{} de {:,}'\n  more: más\n", "xx.yaml:4: `pages.more` is not in en.yaml"),
        ("pages:\n  title: R\n  of: '{} de'\n", "xx.yaml:3: `pages.of` has the placeholders {0}, and en.yaml has {0} {1:,}"),
        ("pages:\n  title: R\n  of: '{} de {}'\n", "xx.yaml:3: `pages.of` has the placeholders {0} {1}, and en.yaml has {0} {1:,}"),
        ("pages:\n  title: R {}\n  of: '{} de {:,}'\n", "xx.yaml:2: `pages.title` has the placeholders {0}, and en.yaml has none"),
        ("pages:\n  title: R\n  of: '{} de {:,'\n", "xx.yaml:3: `pages.of` is empty, or its braces do not match"),
        ("pages:\n  title:\n  of: '{} de {:,}'\n", "xx.yaml:2: `pages.title` is empty"),
        ("pages:\n  title: R\n  title: S\n  of: '{} de {:,}'\n", "xx.yaml:3: `pages.title` is here twice"),
        ("title: R\n", "xx.yaml:1: `title` is in no group"),
        ("pages: [R]\n", "xx.yaml:1: a catalogue has groups"),
        ("", "xx.yaml:1: a catalogue has groups"),
        ("pages: {", "xx.yaml: this is not YAML"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(tmp_path: Path, other: str, said: str) -> None:
    """The name of the text, and what the first language has."""
    assert said in refused(tmp_path, other)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """A translator reads one list."""
    assert len(refused(tmp_path, "pages:\n  more: más\n  of: de\n").splitlines()) == 3


def test_another_order_numbers_its_placeholders(tmp_path: Path) -> None:
    """So a sentence may be turned around. Text stays text: `no` is a word."""
    (tmp_path / "en.yaml").write_bytes(FIRST)
    (tmp_path / "xx.yaml").write_text("pages:\n  of: 'de {1:,}, {0}'\n  title: no\n", "utf-8")
    texts = read_all(tmp_path, ["en", "xx"])["xx"]["pages"]
    assert (texts["title"], texts["of"].format("a", 1000)) == ("no", "de 1,000, a")


def test_a_third_language_is_begun_without_python() -> None:
    """It has twenty words, labels and sentences so far. What it has is right, and what it lacks is told by name."""
    begun, first = read("es.yaml", BEGUN.read_bytes()), read("en.yaml", (HERE / "en.yaml").read_bytes())
    faults = begun.compared(first)
    assert faults
    assert [fault for fault in faults if not fault.endswith("is missing")] == []
    assert "es.yaml: `codes.mark.confirmed` is missing" in faults
    assert len(faults) + len(begun.lines) == len(first.lines)
    spanish = English({group: {**texts, **begun.groups.get(group, {})} for group, texts in first.groups.items()})
    assert (spanish.name, spanish.level("prohibited"), spanish.sections["why"]) == ("Español", "prohibido", "Por qué")
    assert spanish.refused("review") == "No proceda: sujeto a revisión."
    assert spanish.pair("país", spanish.not_sent()) == "país: no indicado"


@pytest.mark.parametrize("code", sorted({each.stem for each in HERE.glob("*.yaml")} - {"en"}))
def test_a_language_has_every_text_with_its_placeholders(code: str) -> None:
    """No more, and no fewer; also before it has a class."""
    first = read("en.yaml", (HERE / "en.yaml").read_bytes())
    assert read(f"{code}.yaml", (HERE / f"{code}.yaml").read_bytes()).compared(first) == []


def test_each_language_has_a_class_and_a_catalogue() -> None:
    """A catalogue without a class would be read by nobody."""
    catalogues = {each.stem for each in HERE.glob("*.yaml")}
    assert catalogues == set(LANGUAGES), "a language has a catalogue, and a class in engine/languages/__init__.py"


def test_every_sentence_of_the_catalogue_is_said_and_no_other() -> None:
    """The names are those that the three modules of what a language says read."""
    trees = [ast.parse((HERE / f"{name}.py").read_text("utf-8")) for name in ("grammar", "decision_lines", "language")]
    nodes = [each for tree in trees for each in ast.walk(tree)]
    calls = [each for each in nodes if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)]
    said = [each.args[0].value for each in calls if each.func.attr == "_said" and isinstance(each.args[0], ast.Constant)]  # type: ignore[attr-defined]
    assert sorted(map(str, said)) == sorted(ENGLISH.texts["sentences"])
