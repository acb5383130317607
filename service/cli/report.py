"""`fifthfactor report`: reports for a request of information, and the registers of transfers that laws ask to be kept, as files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import BY, Commands, Database, Lang, ServicePolicies, UsedWrongly, need, settings
from service.cli.output import complain, count, day

if TYPE_CHECKING:
    import engine
    from service.callers.context import ReadingAll
    from service.console.reader import PageReader
    from service.reports.report_document import ReportDocument
    from service.reports.report_scope import Scope
    from service.reports.transfer_selection import TransferRow
    from service.service import Service

app = Commands("Reports for a period, a party or a jurisdiction, and registers of transfers.")

_LINKED = {".jsonld": "application/ld+json", ".ttl": "text/turtle"}
First = Annotated[str | None, typer.Option("--from", help="First day, like 2026-01-01; UTC. [twelve months before the last]")]
Last = Annotated[str | None, typer.Option("--until", help="Last day. [today]")]
Output = Annotated[Path, typer.Option("--output", "-o", help="File to write; its ending says how.")]


@app.callback()
def report() -> None:
    """Reports for a period, a party or a jurisdiction, and registers of transfers."""


@app.add(
    "report period --from 2026-01-01 --until 2026-12-31 --party clinic-7 --output report.pdf",
    "report period --jurisdiction EU --lang zh --output report.html --receipts receipts",
)
def period(
    output: Output,
    first: First = None,
    last: Last = None,
    party: Annotated[str | None, typer.Option(help="Id of a party, on either side of the exchange.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="Jurisdiction, like CN.")] = None,
    part: Annotated[list[str] | None, typer.Option(help="Part of the report; may be repeated. [all]")] = None,
    receipts: Annotated[
        Path | None, typer.Option(help="Folder to write the receipts of the listed commitments into.", metavar="FOLDER")
    ] = None,
    lang: Lang = "en",
    policies: ServicePolicies = None,
    database: Database = None,
) -> int:
    """
    Write the report on a period: figures, decisions, reviews, duties and proofs, as .pdf or .html.

    A service may run meanwhile. A receipt adds a leaf to the log when it is the first of its decision. The policies give the titles; they
    should be those of the service.
    """
    from service.reports.period_report import PARTS, PeriodReport

    ending = _ending(output, (".pdf", ".html"))
    for each in part or ():
        need("part", each, PARTS)
    with _opened(policies, database, lang) as (service, reader):
        scope = _scope(service, first, last, party, jurisdiction)
        if receipts is not None:  # first, so that the report says which there are
            written = _receipts(service, scope, receipts)
            complain(f"{count(written, 'receipt')} in `{receipts}`")
        reports = PeriodReport(service, serving=False)
        context = _context(service)
        document = service.read(lambda connection: reports.document(context, scope, lang, connection, part or PARTS))
        _write(document, output, ending, service, reader)
    return 0


@app.add(
    "report transfers gdpr-30 --from 2026-01-01 --output transfers.csv",
    "report transfers pipl --party clinic-7 --lang zh --output transfers.pdf",
)
def transfers(
    register: Annotated[str, typer.Argument(help="Name of the register in the policies, like gdpr-30.")],
    output: Output,
    first: First = None,
    last: Last = None,
    party: Annotated[str | None, typer.Option(help="Id of the exporter who keeps the register.")] = None,
    lang: Lang = "en",
    policies: ServicePolicies = None,
    database: Database = None,
) -> int:
    """
    Write a register of transfers: the committed exchanges for which a law asks for it, as .csv, .html or .pdf.

    As .jsonld or .ttl it has records in terms of the Data Privacy Vocabulary. HTML and PDF have the newest 2,000 rows and say so, the
    other forms have every row. In CSV a text that a spreadsheet would take for a formula gets an apostrophe before it. Ends with 1 where
    there is no row.
    """
    from service.api import csv_tables
    from service.cli.files import writing
    from service.reports import transfer_selection
    from service.reports.transfer_register import TransferRegister

    ending = _ending(output, (".csv", ".html", ".pdf", *_LINKED))
    with _opened(policies, database, lang) as (service, reader):
        known = service.live.bundle.vocabulary.transfer_registers
        need("register", register, known)
        scope, text = _scope(service, first, last, party, None), known[register]
        table = TransferRegister(register, text, service.live.bundle, lang, service.settings.tzinfo)
        found = 0
        with service.store.database.reading.connect() as connection:
            if ending == ".csv":
                with writing(output) as file:
                    file.write(csv_tables.written(table.header(), ()))
                    for row in transfer_selection.every(connection, text, scope):
                        file.write(csv_tables.written_rows(table.lines([row])))
                        found += 1
            elif ending in _LINKED:
                rows = list(transfer_selection.every(connection, text, scope))
                _write_linked(register, text, rows, service, output, ending)
                found = len(rows)
            else:
                document, found = table.whole(_context(service), scope, connection)
                _write(document, output, ending, service, reader)
    if not found:
        complain("no committed exchange of the period is in this register")
    return 0 if found else 1


def _write_linked(
    register: str, text: "engine.TransferRegisterText", rows: "list[TransferRow]", service: "Service", output: Path, ending: str
) -> None:
    """Write rows of a register as records in terms of the Data Privacy Vocabulary. Raises UsedWrongly."""
    from service.cli.files import writing
    from service.doors.dpv.written_records import of_rows
    from service.problems import RequestRefused

    try:
        made = of_rows(register, text, rows, service.live.bundle, _LINKED[ending])
    except RequestRefused as refused:
        raise UsedWrongly(refused.detail) from None
    with writing(output) as file:
        file.write(made.decode())


def _ending(output: Path, known: tuple[str, ...]) -> str:
    """The ending of a file, which says how it is written. Raises UsedWrongly."""
    if output.suffix.lower() not in known:
        raise UsedWrongly(f"end the name of the file with {', '.join(known)}, which says how it is written")
    return output.suffix.lower()


@contextmanager
def _opened(policies: list[Path] | None, database: str | None, lang: str) -> "Iterator[tuple[Service, PageReader]]":
    """The service whose database is read, and the reader of the report. Raises UsedWrongly."""
    import engine
    from service.console.reader import PageReader
    from service.service import Service
    from service.store.upgrade import open_present

    need("language", lang, engine.LANGUAGES)
    chosen = settings(policies=policies or None, database=database, watch=False)
    open_present(chosen.database).close()  # so that a mistyped name creates no database
    service = Service.open(chosen)
    try:
        yield service, PageReader(service.live.bundle, lang)
    finally:
        service.close()


def _context(service: "Service") -> "ReadingAll":
    """Who reads here: the command, what is of all parties."""
    from service.callers.caller import Caller
    from service.callers.context import ReadingAll

    return service.context(ReadingAll, Caller(BY, frozenset({"read"})), "")


def _scope(service: "Service", first: str | None, last: str | None, party: str | None, jurisdiction: str | None) -> "Scope":
    """What the report is of. Raises UsedWrongly."""
    from datetime import UTC

    from service.reports.report_scope import Scope, ScopeRefused

    if jurisdiction:
        need("jurisdiction", jurisdiction, service.live.bundle.vocabulary.jurisdictions)
    days = {"from": day(first).isoformat() if first else "", "until": day(last).isoformat() if last else ""}
    try:
        today = service.clock().astimezone(UTC).date()
        return Scope.read({**days, "party": party or "", "jurisdiction": jurisdiction or ""}, today)
    except ScopeRefused as refused:
        raise UsedWrongly(str(refused)) from None


def _write(document: "ReportDocument", output: Path, ending: str, service: "Service", reader: "PageReader") -> None:
    """Write a document as a file. Raises UsedWrongly."""
    from service.console.report_pages import report_file
    from service.reports import typesetting

    try:
        made = typesetting.pdf(document, service.clock()) if ending == ".pdf" else report_file(document, reader).encode()
    except typesetting.NoPdf as why:
        raise UsedWrongly(f"there is no PDF: {why}") from None
    _put(output, made)


def _put(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read: it holds the ids of parties. Raises UsedWrongly."""
    from service.cli.files import for_its_owner

    try:
        with open(path, "wb", opener=for_its_owner) as file:
            file.write(data)
    except OSError as failed:
        raise UsedWrongly(f"cannot write {path}: {failed.strerror}") from None


def _receipts(service: "Service", scope: "Scope", folder: Path) -> int:
    """Write the receipt of each listed commitment that stands, by the id of its decision; how many there are. Raises UsedWrongly."""
    import asyncio

    from service.callers.caller import LOCAL
    from service.callers.context import ReadingAll
    from service.cli.files import make_folder
    from service.decisions.receipt_issuer import ReceiptIssuer
    from service.decisions.replay import Replayer
    from service.problems import RequestRefused
    from service.reports.period_report import commitments_listed

    make_folder(folder)
    listed = service.read(lambda connection: commitments_listed(connection, scope, service.live.bundle))
    issuer, context, written = ReceiptIssuer(service, Replayer(service)), service.context(ReadingAll, LOCAL, ""), 0

    async def issue() -> None:
        nonlocal written
        for each in listed:
            if each.state != "committed":
                continue
            try:
                receipt = await issuer.receipt(context, each.evaluation)
            except RequestRefused as refused:
                complain(f"no receipt of {each.evaluation}: {refused.detail}")
                continue
            _put(folder / f"{each.evaluation}.json", receipt.to_bytes())
            written += 1

    asyncio.run(issue())
    return written
