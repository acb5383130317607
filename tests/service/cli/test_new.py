"""`fifthfactor new`: what it writes is sound, laid out and passes its tests, and nothing is written over."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

import engine
from service.cli.main import app
from tests.engine.authoring.test_lint import sources

DAY = date(2026, 11, 24)
BUNDLED = engine.bundled_policies()


def bundle_with(**folders: dict[str, bytes]) -> engine.Bundle:
    """The bundled policies with some folders beside them."""
    files = engine.gather_sources(engine.source_files([BUNDLED]))
    return engine.load_sources(
        files | {f"{folder}/{name}": data for folder, own in folders.items() for name, data in own.items()}
    )


def test_what_it_begins_is_sound_laid_out_and_green() -> None:
    """A country, a house and a fact of it, all beside the bundled law: no finding, every case passes, `fmt` changes nothing."""
    bundled = engine.load(BUNDLED)
    law = engine.first_law(bundled, "AQ", DAY, ".schemas")
    house = engine.first_house(bundled, "acme", "Acme's & Sons: Group", "阿克梅集团", DAY, ".schemas")
    folders = {"aq": law, "acme": house}
    fact = engine.first_fact(
        bundle_with(**folders), "acme", "data.copies", "count", ("copies", "副本"), ("How many?", "多少？"), DAY, ".schemas"
    )
    assert not fact.keys() & house.keys()
    folders["acme"] = house | fact
    bundle = bundle_with(**folders)
    assert [each for each in bundle.warnings if not each.at.file.startswith("policies/")] == []
    assert engine.test_findings(bundle, "acme/") == engine.test_findings(bundle, "aq/") == ()
    pdp = engine.PDP(bundle)
    results = [result for folder in ("aq/", "acme/") for result in engine.run(bundle, folder, pdp)]
    assert [each.problems for each in results] == [()] * 9
    written = [(name, data) for own in folders.values() for name, data in own.items()]
    assert [engine.lay_out(name, data, ".schemas") for name, data in written] == [data for _, data in written]
    assert all(b"$schema=.schemas/" in data.splitlines()[0] for _, data in written)


REFUSED: list[tuple[Callable[[engine.Bundle], object], str]] = [
    (lambda bundle: engine.first_law(bundle, "CN", DAY, ""), "the law of `CN` is there already, at policies/"),
    (lambda bundle: engine.first_law(bundle, "XY", DAY, ""), "there is no country `XY`"),
    (lambda bundle: engine.first_house(bundle, "cn", "C", "C", DAY, ""), "`CN` is a jurisdiction already"),
    (lambda bundle: engine.first_house(bundle, "../up", "C", "C", DAY, ""), "`../up` is no name"),
    (lambda bundle: engine.first_house(bundle, "acme", 'a"}', "C", DAY, ""), "cannot stand in a text"),
    (lambda bundle: _fact(bundle, "data.personal", "yes/no"), "there is a fact `data.personal` already"),
    (lambda bundle: _fact(bundle, "personal", "yes/no"), "`personal` is no name of a fact"),
    (lambda bundle: _fact(bundle, "data.sort", "money"), "not for `money`"),
    (lambda bundle: _fact(bundle, "data.sort", "yes/no"), "names 0 jurisdictions"),
]


def _fact(bundle: engine.Bundle, name: str, type: str) -> object:
    return engine.first_fact(bundle, "acme", name, type, ("a", "a"), ("b", "b"), DAY, "")


@pytest.mark.parametrize(("begin", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_cannot_be_begun_is_refused_in_a_sentence(begin: Callable[[engine.Bundle], object], said: str) -> None:
    """A name that is taken, that is none, or that would end the text that it stands in."""
    with pytest.raises(engine.NotBegun) as refused:
        begin(engine.load(BUNDLED))
    assert said in str(refused.value)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """All files are written or none; what is there stays as it is."""
    folder = tmp_path / "acme"
    (folder / ".schemas").mkdir(parents=True)
    (folder / ".schemas" / "policy.json").write_text("{}")
    (folder / "rules.yaml").write_text("mine")
    done = CliRunner().invoke(app, ["new", "house", "acme", "--title", "Acme", "--into", str(tmp_path)])
    assert done.exit_code == 2
    assert "is there already, and nothing was written" in done.output
    assert (folder / "rules.yaml").read_text() == "mine"
    assert [file.name for file in folder.glob("*.yaml")] == ["rules.yaml"]
    (folder / "rules.yaml").unlink()
    done = CliRunner().invoke(app, ["new", "house", "acme", "--title", "Acme", "--into", str(tmp_path)])
    assert done.exit_code == 0
    assert sorted(file.name for file in folder.glob("*.yaml")) == ["house.yaml", "rules.test.yaml", "rules.yaml", "words.yaml"]
    assert f"next: fifthfactor check bundled {folder}" in done.output


def test_an_exchange_becomes_a_test_and_then_a_further_case(tmp_path: Path) -> None:
    """Without tests of the policy a file is written; with tests the case is printed. Both pass."""
    folder = tmp_path / "p"
    folder.mkdir()
    for name, data in sources().items():
        if name != "p/law.test.yaml":
            (tmp_path / name).write_bytes(data)
    exchange = tmp_path / "a-high-one.json"
    exchange.write_text(json.dumps({"x": {"here": True, "rank": "high"}}))
    asked = ["new", "test", str(exchange), "aa.law", "--policies", str(folder)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    file = folder / "law.test.yaml"
    first = file.read_text()
    exchange.write_text(json.dumps({"x": {"here": True, "rank": "low"}}))
    done = CliRunner().invoke(app, [*asked, "--case", "a low one"])
    assert done.exit_code == 0
    assert file.read_text() == first
    file.write_text(f"{first}\n{done.stdout}")
    results = list(engine.run(engine.load(folder)))
    assert [(each.case, each.problems) for each in results] == [("a high one", ()), ("a low one", ())]
    done = CliRunner().invoke(app, ["new", "test", str(exchange), "aa.lawn", "--policies", str(folder)])
    assert "there is no policy `aa.lawn`; did you mean `aa.law`?" in done.output
