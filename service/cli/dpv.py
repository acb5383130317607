"""`fifthfactor dpv`: reads documents in terms of the Data Privacy Vocabulary, and checks records that were written in them."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import AsJson, Commands, Policies, UsedWrongly
from service.cli.output import complain, count, safe

app = Commands("Records in terms of the Data Privacy Vocabulary (DPV 2.3).")

File = Annotated[Path, typer.Argument(help="Turtle (.ttl) or JSON-LD (.jsonld, .json).", metavar="FILE")]
_ENDINGS = {".ttl": "text/turtle", ".jsonld": "application/ld+json", ".json": "application/ld+json"}


@app.callback()
def dpv() -> None:
    """Records in terms of the Data Privacy Vocabulary (DPV 2.3)."""


@app.add("dpv read record.ttl", "dpv read records.jsonld --json")
def read(file: File, policies: Policies = None, as_json: AsJson = False) -> int:
    """
    Read the records of a document as facts: each fact with its place, then what was not understood and is unknown.

    Nothing is decided, nothing is fetched. With --json the answer of `POST /v1/dpv/read`, with the exchange of each record. Ends with 1
    where a record contradicts itself.
    """
    from service.cli.files import load_or_stop
    from service.doors.dpv.document_reading import read_document
    from service.doors.dpv.endpoints import DpvDocumentShown
    from service.problems import RequestRefused

    raw, media_type = _sent(file)
    bundle = load_or_stop(policies or [], tests=False)
    try:
        found = read_document(raw, media_type, bundle)
    except RequestRefused as refused:
        raise UsedWrongly(_sentence(refused)) from None
    if as_json:
        print(DpvDocumentShown.of(found).model_dump_json(exclude_none=True))
        return 1 if found.contradictions else 0
    for each in found.records:
        print(f"{safe(each.record)}: {count(len(each.facts), 'fact')}")
        for fact in each.facts:
            print(f"  {fact.fact}: {safe(_told(fact.value))}  ({safe(', '.join(fact.pointers))})")
        terms = each.terms_not_understood
        print(f"  not understood, and unknown: {count(len(terms), 'term')}")
        for unread in each.not_understood:
            print(f"    {safe(unread.term)}: {safe(unread.why)}  ({safe(unread.pointer)})")
        if each.others:
            print(f"  of other vocabularies, and not read: {safe(', '.join(each.others))}")
        for place in found.contradictions.get(each.record, ()):
            print(f"  no exchange can be so: {safe(place.detail)}  ({safe(place.pointer)})")
    return 1 if found.contradictions else 0


@app.add("dpv check record.ttl")
def check(file: File) -> int:
    """
    Check that a document fits the shapes of the records that the service writes: those of `GET /v1/decisions/{id}/dpv` and of registers.

    Ends with 1 where it does not, or has no such record.
    """
    from service.doors.dpv.written_records import check_document
    from service.problems import RequestRefused

    raw, media_type = _sent(file)
    try:
        report = check_document(raw, media_type)
    except RequestRefused as refused:
        raise UsedWrongly(_sentence(refused)) from None
    for each in report.findings:
        where = safe(" ".join(filter(None, (each.subject, each.property))))
        print(f"{where}: {safe(each.message)}")
    if not report.checked:
        complain("the document has no record of a transfer and no register")
        return 1
    if report.conforms:
        print(f"{count(report.checked, 'record')} as they should be")
    return 0 if report.conforms else 1


def _sent(file: Path) -> tuple[bytes, str]:
    """The bytes of a file, and how they are written. Raises UsedWrongly."""
    media_type = _ENDINGS.get(file.suffix.lower())
    if media_type is None:
        raise UsedWrongly(f"end the name of the file with {', '.join(_ENDINGS)}, which says how it is written")
    try:
        return file.read_bytes(), media_type
    except OSError as failed:
        raise UsedWrongly(f"`{file}` cannot be read: {failed.strerror}") from None


def _sentence(refused: "Exception") -> str:
    detail, places = str(getattr(refused, "detail", refused)), getattr(refused, "errors", None) or ()
    return f"{detail} ({places[0].pointer})" if places else detail


def _told(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "shown, and nothing is said of it" if value == {} else str(value)
