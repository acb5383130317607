"""The file of an inventory: what companies have is read, and what is broken or hostile is refused with its line."""

from __future__ import annotations

import codecs
from collections.abc import Callable

import pytest

from service.tables.inventory_file import (
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_FAULTS,
    MOST_LETTERS,
    MOST_ROWS,
    InventoryRefused,
    read_table,
)

GOOD = "System,Vendor country\nCRM,DE\n"


def cells(raw: bytes, **options: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The columns and the cells of a file."""
    table = read_table(raw, **options)
    return table.columns, [row.cells for row in table.rows]


READ: dict[str, tuple[bytes, dict[str, str]]] = {
    "plain": (GOOD.encode(), {}),
    "with the mark of UTF-8": (codecs.BOM_UTF8 + GOOD.encode(), {}),
    "UTF-16, as spreadsheets write it": (codecs.BOM_UTF16_LE + GOOD.replace(",", "\t").encode("utf-16-le"), {}),
    "UTF-16, big end first": (codecs.BOM_UTF16_BE + GOOD.encode("utf-16-be"), {}),
    "UTF-16 with its name": (codecs.BOM_UTF16_LE + GOOD.encode("utf-16-le"), {"encoding": "utf-16"}),
    "with semicolons": (GOOD.replace(",", ";").encode(), {}),
    "with tabs": (GOOD.replace(",", "\t").encode(), {}),
    "with lines of Windows": (GOOD.replace("\n", "\r\n").encode(), {}),
    "with lines of an old Mac": (GOOD.replace("\n", "\r").encode(), {}),
    "without a last line break": (GOOD.removesuffix("\n").encode(), {}),
    "with quotes": (b'"System","Vendor country"\n"CRM","DE"\n', {}),
    "with blanks around": (b" System ,Vendor  country\n CRM , DE \n", {}),
    "with blank rows": (b"System,Vendor country\n\n,\nCRM,DE\n,,\n\n"[:-3] + b"\n", {}),
    "with a column that has neither a name nor a cell": (b"System,Vendor country,\nCRM,DE,\n", {}),
    "with the separator in a line of its own": (b"sep=;\r\nSystem;Vendor country\r\nCRM;DE\r\n", {}),
    "with a separator that is named": (b"System;Vendor country\nCRM;DE\n", {"separator": ";"}),
}


@pytest.mark.parametrize("raw", READ.values(), ids=READ.keys())
def test_what_companies_have_is_read(raw: tuple[bytes, dict[str, str]]) -> None:
    """Each as the same table."""
    content, options = raw
    assert cells(content, **options) == (("System", "Vendor country"), [("CRM", "DE")])


@pytest.mark.parametrize("encoding", ["gb18030", "gbk"])
def test_an_encoding_that_is_named_is_used(encoding: str) -> None:
    """As Chinese spreadsheets write it."""
    assert cells("系统,供应商国家\n工资,德国\n".encode(encoding), encoding=encoding)[1] == [("工资", "德国")]


def test_a_cell_may_have_lines_quotes_and_separators() -> None:
    """And the line of its row is where it ends."""
    table = read_table(b'System,Note\n"a, ""b""\nc",x\nd,y\n')
    assert [(row.line, row.cells[0]) for row in table.rows] == [(3, 'a, "b"\nc'), (4, "d")]


HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the file has no header"),
    "a mark alone": (codecs.BOM_UTF8, "the file has no header"),
    "blanks": (b"   \n", "the file has no header"),
    "separators alone": (b",,,\n,,,\n", "the file has no header"),
    "a blank first line": (b"\nSystem,Vendor\nCRM,x\n", "the file has no header"),
    "a header alone": (b"System,Vendor\n", "a header and no row"),
    "blank rows alone": (b"System,Vendor\n,\n , \n", "a header and no row"),
    "Latin letters of Windows": ("System,Land\nCRM,Österreich\n".encode("windows-1252"), "line 2 is not utf-8"),
    "Chinese letters of Windows": ("系统,国家\n工资,德国\n".encode("gb18030"), "line 1 is not utf-8"),
    "half a letter at the end": (GOOD.encode() + "中".encode()[:2], "line 3 is not utf-8"),
    "an overlong slash": (b"System,\xc0\xaf\nCRM,DE\n", "line 1 is not utf-8"),
    "a lone surrogate": (b"System,Vendor\n\xed\xa0\x80,x\n", "line 2 is not utf-8"),
    "UTF-16 without its mark": (GOOD.encode("utf-16-le"), "line 1 has the character U+0000"),
    "UTF-16 that ends within a letter": (codecs.BOM_UTF16_LE + GOOD.encode("utf-16-le")[:-1], "is not utf-16-le"),
    "UTF-32": (codecs.BOM_UTF32_LE + GOOD.encode("utf-32-le"), "UTF-32, which is not read"),
    "a byte of zeros in a cell": (b"System,Vendor\nC\x00RM,x\n", "line 2 has the character U+0000"),
    "a byte of zeros in the header": (b"Sys\x00tem,Vendor\nCRM,x\n", "line 1 has the character U+0000"),
    "an escape for the terminal": (b"System,Vendor\n\x1b[2J,x\n", "line 2 has the character U+001B"),
    "a bell in the header": (b"System\x07,Vendor\nCRM,x\n", "line 1 has the character U+0007"),
    "a form feed": (b"System,Vendor\nCRM,\x0c\n", "line 2 has the character U+000C"),
    "a control character of Latin-1": ("System,Vendor\nCRM,\x85\n".encode(), "line 2 has the character U+0085"),
    "a mark within the file": ("System,Vendor\nCRM,\ufeffx\n".encode(), "line 2 has the character U+FEFF"),
    "a spreadsheet's own file": (b"PK\x03\x04\x14\x00\x06\x00\x08\x00", "line 1 has the character U+0003"),
    "an old spreadsheet's own file": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "line 1 is not utf-8"),
    "a quote that is not closed": (b'System,Vendor\n"CRM,x\n', "line 2 is not CSV"),
    "a quote that is not closed in the header": (b'System,"Vendor\nCRM,x\n', "is not CSV"),
    "letters after a quote": (b'System,Vendor\n"CRM"x,y\n', "line 2 is not CSV"),
    "two columns of one name": (b"System,Vendor,System\na,b,c\n", "columns 1 and 3 are both called `System`"),
    "two columns of one name in other letters": (b"Vendor,VENDOR \na,b\n", "columns 1 and 2 are both called `VENDOR`"),
    "a cell without a column": (b"System,Vendor\nCRM,x,y\n", "line 2 has 3 cells, but the header has 2 columns"),
    "a column without a cell": (b"System,Vendor\nCRM\n", "line 2 has 1 cells, but the header has 2 columns"),
    "a cell in a column without a name": (b"System,,Vendor\nCRM,secret,x\n", "a cell in column 2, which has no name"),
    "commas for the header and semicolons for the rows": (b"System,Vendor\nCRM;x\n", "line 2 has 1 cells"),
    "a header that two separators part alike": (b"A;B,C\n1;2,3\n", "separated by comma and semicolon: say which"),
    "a huge cell": (b"System,Vendor\nCRM," + b"x" * (MOST_LETTERS + 1) + b"\n", "a cell has at most 2,000 characters"),
    "a cell of megabytes": (b"System,Vendor\nCRM," + b"x" * 3_000_000 + b"\n", "line 2 is not CSV"),
    "a name of a column that is huge": (b"System," + b"V" * 201 + b"\nCRM,x\n", "the name of column 2 is longer"),
    "very many columns": (
        b",".join(b"c%d" % each for each in range(MOST_COLUMNS + 1)) + b"\nx\n",
        "the header has 201 columns",
    ),
    "very many rows": (b"System,Vendor\n" + b"a,b\n" * (MOST_ROWS + 1), "more than 5,000 rows"),
    "a file that is too large": (b"x" * (MOST_BYTES + 1), "more than 8,388,608 bytes"),
    "a billion quotes": (b"System,Vendor\n" + b'"' * 200_001 + b"\n", "line 2"),
    "JSON": (b'{"system": "CRM", "vendor": "x"}\n', "a header and no row"),
}


@pytest.mark.parametrize(("raw", "says"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_broken_file_is_refused_with_its_line(raw: bytes, says: str) -> None:
    """Nothing of it is read, and the sentence says where and what."""
    with pytest.raises(InventoryRefused) as refused:
        read_table(raw)
    assert says in str(refused.value), str(refused.value)
    assert len(str(refused.value)) < 1_000
    assert all(each.isprintable() for each in str(refused.value))


def test_there_are_forty_of_them() -> None:
    """And each is a file of its own."""
    assert len({raw for raw, _ in HOSTILE.values()}) >= 40


def test_all_faults_are_told_at_once_up_to_a_number() -> None:
    """The first twenty, and how many more there are."""
    with pytest.raises(InventoryRefused) as refused:
        read_table(b"System,Vendor\n" + b"a\n" * 50)
    assert len(refused.value.faults) == MOST_FAULTS + 1
    assert refused.value.faults[0].startswith("line 2 has 1 cells")
    assert refused.value.faults[-1] == "and 30 more"


@pytest.mark.parametrize(
    ("make", "options", "says"),
    [
        (lambda: b"System,Land\nCRM,\xff\n", {"encoding": "gbk"}, "line 2 is not gbk"),
        (lambda: codecs.BOM_UTF8 + GOOD.encode(), {"encoding": "gbk"}, "begins with the mark of utf-8, so it is not gbk"),
        (lambda: GOOD.encode("utf-16-le"), {"encoding": "gb18030"}, "U+0000"),
    ],
)
def test_a_wrong_encoding_is_refused(make: Callable[[], bytes], options: dict[str, str], says: str) -> None:
    """What is named and cannot be is an error, and not a guess."""
    with pytest.raises(InventoryRefused, match=says.replace("+", r"\+")):
        read_table(make(), **options)
