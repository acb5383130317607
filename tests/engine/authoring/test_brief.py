"""An instrument reads as a brief: every provision with its conditions in sentences, its source and its mark."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

import engine
from service.cli.docs import page
from service.cli.main import app


@pytest.fixture(scope="module")
def bundle() -> engine.Bundle:
    return engine.load(engine.bundled_policies())


@pytest.fixture(scope="module")
def known(bundle: engine.Bundle) -> dict[str, engine.Instrument]:
    return {each.text.policy: each for each in engine.instruments(bundle)}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_provision_of_every_instrument_is_told(bundle: engine.Bundle, lang: str) -> None:
    """Each provision has its heading, what it says, its source and mark, in either language."""
    for instrument in engine.instruments(bundle):
        text = engine.brief(bundle, instrument, lang)
        headings = re.findall(r"^### (.*)$", text, re.MULTILINE)
        marks = re.findall(r"^- \*\*(?:Certainty|确信程度)\*\*", text, re.MULTILINE)
        assert len(headings) >= len(instrument.text.rules)
        assert len(marks) == len(instrument.text.rules)
        assert "None" not in headings


def test_a_provision_reads_as_it_is_tested(bundle: engine.Bundle, known: dict[str, engine.Instrument]) -> None:
    """Conditions, alternatives, exceptions, what is taken away and by whom."""
    text = engine.brief(bundle, known["cn.order-16"])
    part = text.partition("### Art. 5(4): ")[2].partition("\n### ")[0]
    assert "fewer than 100,000 people concerned by exports this year: ordinary personal data" in text
    assert "- **Not required then**" in part
    assert "- **Source**: " in part
    assert "- **Certainty**: confirmed" in part
    assert "any of these holds:" in text
    assert "- **Does not apply where one of these applies**" in text
    assert "not legal advice" in text


def test_a_place_is_told_without_its_country(bundle: engine.Bundle, known: dict[str, engine.Instrument]) -> None:
    """That Quebec is in Canada needs no saying, be it affirmed or denied; what the author says of other countries stays."""
    quebec = engine.brief(bundle, known["ca.quebec"])
    assert "### in quebec\n\n- the exporter is in Quebec\n\n" in quebec
    assert "- any of these holds:\n    - the recipient is not in Canada\n    - the recipient is not in Quebec\n" in quebec
    zone = engine.brief(bundle, known["cn.order-16"]).partition("### in a zone with a list\n\n")[2]
    assert zone.startswith("- the exporter is in pilot free trade zones with a negative list in force\n\n")
    emirates = engine.brief(bundle, known["ae.pdpl"])
    assert "- the exporter is not in the Dubai International Financial Centre or the Abu Dhabi Global Market\n" in emirates


def test_chinese_instruments_read_in_chinese(bundle: engine.Bundle, known: dict[str, engine.Instrument]) -> None:
    """Labels, tests and titles are Chinese where there is Chinese."""
    text = engine.brief(bundle, known["cn.order-16"], "zh")
    assert text.startswith("# 促进和规范数据跨境流动规定")
    assert "- **效力**: 法律" in text
    assert "本年度数据出境累计涉及人数" in text


ACME = """\
organisation: acme
title: {en: Acme Group, zh: 阿克梅集团}
accepts:
  - id: us-personal
    country: [US, DE]
    subjects: [personal]
    by: {en: General Counsel, zh: 总法律顾问}
    because: {en: counsel there looks at it, zh: 当地律师已审阅}
    from: 2026-01-01
    until: 2026-12-31
must_be_shown: [evidence.cn-standard-contract, recipient.country]
switched_off:
  - {policy: us.padfa, by: General Counsel, because: {en: we broker no data, zh: 本公司不经营数据经纪}}
  - {jurisdiction: KZ, by: General Counsel, because: {en: we are not there, zh: 本公司在当地无业务}}
"""


def test_what_an_organisation_says_reads_as_a_brief(tmp_path: Path) -> None:
    """Each acceptance with its end, what must be shown, what is off and why, in either language; what is off has no brief of its own."""
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "acme.yaml").write_text(ACME)
    bundle = engine.load([engine.bundled_policies(), tmp_path / "acme"])
    (acme,) = bundle.vocabulary.organisations
    english, chinese = engine.organisation_brief(bundle, acme), engine.organisation_brief(bundle, acme, "zh")
    for line in (
        "# Acme Group",
        "- **Countries**: the United States and Germany",
        "- **Subject matters**: personal data",
        "- **In force**: from 2026-01-01 until 2026-12-31",
        "### us.padfa",
        "- **Reason**: we broker no data",
        "### Kazakhstan",
    ):
        assert f"\n{line}\n" in f"\n{english}", english
    for line in ("# 阿克梅集团", "- **国家和地区**: 美国和德国", "- **决定人**: 总法律顾问", "- **理由**: 本公司在当地无业务"):
        assert f"\n{line}\n" in f"\n{chinese}", chinese
    assert {"us.padfa", "kz.personal-data"}.isdisjoint(each.text.policy for each in engine.instruments(bundle))
    arguments = ["--policies", "bundled", "--policies", str(tmp_path / "acme")]
    assert CliRunner().invoke(app, ["docs", "acme", *arguments]).stdout == english
    assert "there is no policy `us.padfa`" in CliRunner().invoke(app, ["docs", "us.padfa", *arguments]).stderr


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


def test_a_page_runs_nothing_that_a_text_contains() -> None:
    """What looks like HTML in an author's text stays text, in the title too."""
    parser = _Tags()
    parser.feed(page("# a\n\n<script>alert(1)</script> **b**\n", "en", "</title><script>"))
    assert "script" not in parser.tags
    assert {"title", "h1", "strong"} <= parser.tags


def test_the_command_prints_one_and_writes_all(tmp_path: Path, bundle: engine.Bundle) -> None:
    """One instrument to standard output; all of them into a folder, with an index that links each."""
    run = CliRunner().invoke
    one = run(app, ["docs", "us.cloud-act"])
    assert one.exit_code == 0
    assert one.stdout.count("\n# ") + one.stdout.startswith("# ") == 1
    done = run(app, ["docs", "--format", "html", "--write", str(tmp_path / "out")])
    assert done.exit_code == 0
    index = (tmp_path / "out" / "index.html").read_text()
    for instrument in engine.instruments(bundle):
        assert (tmp_path / "out" / f"{instrument.text.policy}.html").is_file()
        assert f'href="{instrument.text.policy}.html"' in index


@pytest.mark.parametrize("wrong", [["no.such"], ["--format", "pdf"], ["--lang", "fr"]])
def test_what_is_asked_wrongly_is_said(wrong: list[str]) -> None:
    """Exit code 2 and what to use instead."""
    assert CliRunner().invoke(app, ["docs", *wrong]).exit_code == 2
