"""
What is proposed for a text that is no value: the values that a person would mean by it, in English, in Chinese and misspelt.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.values import BadValue, Type, ValueSet, id_spellings
from engine.values.id_spellings import Spellings, folded_id, id_form

BUNDLE = engine.load(engine.bundled_policies())
MEANT = {
    "country": {
        "UK": "GB",
        "U.K.": "GB",
        "uk": "GB",
        "gb": "GB",
        "United Kingdom": "GB",
        "Great Britain": "GB",
        "Great Britian": "GB",
        "England": "GB",
        "英国": "GB",
        "Germany": "DE",
        "germany": "DE",
        "Gemany": "DE",
        "DEU": "DE",
        "Deutschland": "DE",
        "德国": "DE",
        "Federal Republic of Germany": "DE",
        "CHN": "CN",
        "China": "CN",
        "mainland China": "CN",
        "People's Republic of China": "CN",
        "中国": "CN",
        "中华人民共和国": "CN",
        "中国大陆": "CN",
        "USA": "US",
        "U.S.A.": "US",
        "the United States of America": "US",
        "Untied States": "US",
        "美国": "US",
        "Côte d'Ivoire": "CI",
        "Cote d’Ivoire": "CI",
        "Ivory Coast": "CI",
        "Åland": "AX",
        "Turkiye": "TR",
        "Hongkong": "HK",
        "Hong Kong SAR": "HK",
        "香港特别行政区": "HK",
        "Trinidad and Tobago": "TT",
        "Democratic Republic of the Congo": "CD",
        "刚果（金）": "CD",
        "刚果金": "CD",
        "Republic of Korea": "KR",
        "韩国": "KR",
        "Quebec": "CA",
        "Florida": "US",
        "深圳": "CN",
    },
    "zone": {
        "Quebec": "CA-QC",
        "Québec": "CA-QC",
        "quebec": "CA-QC",
        "Quebce": "CA-QC",
        "ca-qc": "CA-QC",
        "CA_QC": "CA-QC",
        "QC": "CA-QC",
        "the province of Quebec": "CA-QC",
        "Province de Québec": "CA-QC",
        "魁北克": "CA-QC",
        "加拿大魁北克省": "CA-QC",
        "Toronto": "CA-ON",
        "Calif.": "US-CA",
        "佛罗里达": "US-FL",
        "深圳": "CN-GBA",
        "深圳市": "CN-GBA",
        "Shenzhen": "CN-GBA",
        "Qianhai": "CN-FTZ-GD",
        "Lingang": "CN-FTZ-SH",
        "DIFC": "AE-DIFC",
        "Dubai International Finance Centre": "AE-DIFC",
        "not in a special zone": "none",
    },
    "data_category": {
        "personal health": "health",
        "Health": "health",
        "medical data": "health",
        "健康": "health",
        "genetics": "genetic",
        "人脸": "face",
        "genome sequences": "genome-sequence",
        "medical-records": "health",
        "DNA": "genetic",
        "bank data": "financial",
    },
    "purpose": {
        "HR": "hr",
        "human resources": "hr",
        "人力资源": "hr",
        "train a model": "ai-training",
        "advertising": "marketing",
    },
    "grade": {"important data": "important", "重要数据": "important", "Core": "core"},
    "role": {"data controller": "controller", "sub-processor": "processor", "受托处理": "processor"},
    "act": {"remote access": "remote-access", "transfer": "provide"},
    "party_kind": {"Hospital": "hospital", "government": "public-body", "corporation": "company"},
}


@pytest.mark.parametrize(("values", "text"), [(values, text) for values, table in MEANT.items() for text in table])
def test_the_value_that_is_meant_is_proposed_first_and_not_accepted(values: str, text: str) -> None:
    """`did you mean` names the value first, with its title; the text itself stays refused."""
    known = BUNDLE.vocabulary.values[values]
    with pytest.raises(BadValue) as refused:
        known.accept(text)
    meant = MEANT[values][text]
    assert refused.value.help.startswith(f"did you mean {known.told(meant)}"), refused.value.help


def test_every_country_has_its_three_letters() -> None:
    """ISO 3166-1 alpha-3: each code once, those that are not the first letters of the name among them."""
    country = BUNDLE.vocabulary.values["country"]
    codes = {value: country.also[value][0] for value in country.values}
    assert len(set(codes.values())) == len(codes) == 249
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in codes.values())
    known = {
        "AE": "ARE",
        "AT": "AUT",
        "AU": "AUS",
        "CH": "CHE",
        "CD": "COD",
        "DE": "DEU",
        "ES": "ESP",
        "HR": "HRV",
        "KR": "KOR",
    }
    assert {value: codes[value] for value in known} == known


def test_every_title_is_a_spelling() -> None:
    """Whoever writes a title instead of the value, in any letters, is told of the value."""
    for values in BUNDLE.vocabulary.values.values():
        for value, words in values.titles.items():
            for text in (words.en.upper(), words.zh):
                if text and len(text) <= 100 and text not in values.lineage:
                    same = [other for other, each in values.titles.items() if text in (each.en.upper(), each.zh)]
                    assert value in values._spellings.nearest(text), (values.name, value, text, same)


@pytest.mark.parametrize("text", ["", " ", "?!", "X", "XX", "ZZ", "unheard-of", "\0", "x" * 101, "e\u0301" * 300, "🦊"])
def test_where_nothing_is_near_nothing_is_proposed(text: str) -> None:
    """No value is proposed for what resembles none, nor for a text that is no word at all."""
    assert BUNDLE.vocabulary.values["country"].did_you_mean(text) == ""


def test_several_may_be_meant() -> None:
    """A spelling of several values proposes them all, a part of many spellings at most three, the closest first."""
    country = BUNDLE.vocabulary.values["country"]
    assert country.did_you_mean("Korea") == "did you mean `KP` (Korea (North)) or `KR` (Korea (South))?"
    assert country.did_you_mean("Georgia") == "did you mean `GE` (Georgia) or `US` (United States)?"
    assert country.did_you_mean("Guinea") == "did you mean `GN` (Guinea)?"
    assert Spellings(dict.fromkeys(("red one", "red two", "red three", "red four"), ())).nearest("red-one") == ("red one",)
    assert len(Spellings({f"colour {n}": () for n in range(9)}).nearest("colour")) == 3


def test_a_set_without_titles_has_its_values_as_spellings() -> None:
    """The codes alone are compared, without capitals and punctuation, then with a few letters wrong."""
    values = ValueSet("act", dict.fromkeys(("remote-access", "provide", "once"), ()))
    assert values.did_you_mean("Remote Access") == "did you mean `remote-access`?"
    assert values.did_you_mean("provides") == "did you mean `provide`?"
    assert values.did_you_mean("one") == ""


def test_a_long_list_is_not_written_out_where_something_is_near() -> None:
    """A short list is told in full; of a long one the number of values alone, whether something is near or not."""
    with pytest.raises(BadValue, match=r"^`Franc` is not one of the 249 values of `country`$"):
        BUNDLE.vocabulary.values["country"].accept("Franc")
    with pytest.raises(BadValue, match=r"^`Atlantis` is not one of the 249 values of `country`$"):
        BUNDLE.vocabulary.values["country"].accept("Atlantis")
    with pytest.raises(BadValue, match=r"^`high` is not one of `general`, `important`, `core`$"):
        BUNDLE.vocabulary.values["grade"].accept("high")


def test_a_refusal_takes_no_longer_than_a_decision() -> None:
    """A near miss is found among all spellings of all countries in milliseconds: refusing must not be a way to keep a worker busy."""
    country = BUNDLE.vocabulary.values["country"]
    country.did_you_mean("warm up")
    began = time.process_time()
    for number in range(50):
        country.did_you_mean(f"Republic of Nowhere at All, number {number}, in a sea of grass")
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("spelt", "form"),
    [
        ("bad-lab", "bad-lab"),
        (" bad-lab\t", "bad-lab"),
        ("\u200bbad\u00ad-l\u200dab\ufe0f", "bad-lab"),
        ("\uff42\uff41\uff44-lab\u3000", "bad-lab"),
        ("BAD-LAB", "BAD-LAB"),
        ("b\u0430d-lab", "b\u0430d-lab"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("\u4e0a\u6d77 2", "\u4e0a\u6d77 2"),
        ("\u2800\u3164", ""),
    ],
)
def test_an_id_has_one_form(spelt: str, form: str) -> None:
    """Without what nobody sees; case and letters stay. An exchange has the id in this form, and none that cannot be seen."""
    assert id_form(spelt) == form
    if form:
        assert Type("id").accept(spelt) == form
    else:
        with pytest.raises(BadValue, match="that can be seen"):
            Type("id").accept(spelt)


def test_ids_that_look_alike_have_one_folded_form() -> None:
    """Whatever script, case or digit makes the letter; what looks otherwise is another id."""
    alike = (
        "bad-lab",
        "BAD-LAB",
        "b\u0430d-lab",
        "bad-Iab",
        "bad-1ab",
        "BAD\u2010LAB",
        "\u0412\u0410D-L\u0391\u0392",
        "b\u200bad-|ab",
    )
    assert {folded_id(each) for each in alike} == {"bad-lab"}
    assert folded_id("\u041c\u041e\u0421\u041a\u0412\u0410") == folded_id(
        "\u043c\u043e\u0441\u043a\u0432\u0430"
    )  # Moscow, both cases
    assert folded_id("\u4e0a\u6d77\u53e3") == folded_id("\u4e0a\u6d77\u30ed")  # a mouth, and the Katakana that looks like it
    assert folded_id("STRASSE") == folded_id("Stra\u00dfe")
    different = ("bad-lab", "bad-lad", "bat-lab", "bad-lab2", "badlab", "b\u00e0d-lab", "van", "nan", "acme", "acne")
    assert len({folded_id(each) for each in different}) == len(different)


@given(text=st.text(max_size=12), letter=st.characters(codec="utf-8"))
def test_forms_are_final(text: str, letter: str) -> None:
    """A form has itself as its form, a folded id has itself, and an id has no other folded form than its form has."""
    spelt = f"{text}{letter}x"
    assert id_form(id_form(spelt)) == id_form(spelt)
    assert folded_id(folded_id(spelt)) == folded_id(spelt) == folded_id(id_form(spelt)) == folded_id(f" {spelt}\u200b")


def test_each_line_of_the_table_of_letters_folds_to_what_stays() -> None:
    """What counts in place of a letter is folded itself, and no letter stands in two lines."""
    table = id_spellings._alike()
    letters = [
        each
        for line in id_spellings._ALIKE.read_text("utf-8").splitlines()
        if line[0] != "#"
        for each in line.split(" <- ")[1].split()
    ]
    assert len(table) == len(letters) > 1_600
    for letter, counts in table.items():
        assert folded_id(f"x{letter}x") == folded_id(f"x{counts}x") == f"x{counts}x"
