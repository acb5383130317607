"""
`fifthfactor document …`: documents kept, attached, signed and listed at a terminal.

`sign` writes a file for whoever has a document and a key, and needs no service. The other commands work directly on the database, also
while the service runs, as `command-line`. This is no person, so no command here confirms a document or withdraws what was confirmed.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import BY, AsJson, Commands, Database, Policies, ServicePolicies, UsedWrongly, settings
from service.cli.database_access import open_desk
from service.cli.output import complain, count, safe

if TYPE_CHECKING:
    from service.documents.stated_documents import StatedDocument
    from service.problems import RequestRefused

app = Commands(
    help="Keep, attach, sign and list documents. Only a person confirms a document, with a key of her own, over HTTP or in a browser:"
    " whoever runs a command is no person that the service knows."
)

Id = Annotated[str, typer.Argument(help="Id of the decision.")]
Name = Annotated[str, typer.Argument(help="Name of the document in the exchange, like evidence.cn-standard-contract.")]
File = Annotated[Path, typer.Argument(help="The document; - reads standard input.")]

_OF_USE = ("bad-request", "body-too-large")  # refusals of what was given, not findings


@app.add("document keep contract.pdf --database decisions.db")
def keep(file: File, database: Database = None) -> int:
    """
    Keep the bytes of a document, and print their hash for the exchange. Bytes that belong to no decision a day later are erased.

    Ends with 1 where the content is not a PDF, a PNG or JPEG image, or plain text.
    """
    from service.documents import document_bytes
    from service.problems import RequestRefused
    from service.store.upgrade import existing

    chosen = settings(database=database)
    try:
        seen = document_bytes.see(_content(file, chosen.document_limit))
    except RequestRefused as refused:
        return _told(refused)
    with existing(chosen.database, chosen.log_key) as opened, opened.transaction() as transaction:
        document_bytes.keep(transaction, seen, datetime.now(UTC), BY)
    print(f"{seen.info.sha256}  {seen.info.media_type}, {count(seen.info.size, 'byte')}")
    return 0


@app.add("document attach 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 evidence.cn-standard-contract contract.pdf")
def attach(id: Id, name: Name, file: File, database: Database = None, policies: ServicePolicies = None) -> int:
    """
    Keep the bytes of a document and attach them to a decision whose exchange states their hash. They show nothing yet.

    Ends with 1 where they cannot be attached: the exchange states another hash, or values of the decision were erased.
    """
    from service.callers.context import EvaluatingAll
    from service.documents import attachments, decision_documents, document_bytes
    from service.problems import RequestRefused

    with open_desk(database, policies) as desk:
        context, id = desk.context(EvaluatingAll), desk.stored(id).entry.id
        try:
            seen = document_bytes.see(_content(file, desk.settings.document_limit))
            with desk.database.transaction() as transaction:
                of = decision_documents.recorded(context, id, name, transaction)
                document_bytes.keep(transaction, seen, context.now, BY)
                attachments.attach(context, of, seen.info.sha256, transaction)
        except RequestRefused as refused:
            return _told(refused)
    print(f"attached to {safe(name)}: {seen.info.sha256}")
    return 0


@app.add("document list 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --database decisions.db", name="list")
def list_(id: Id, database: Database = None, policies: ServicePolicies = None, as_json: AsJson = False) -> int:
    """List the documents of a decision: what is attached, confirmed and signed, and until when each counts as shown. Ends with 0."""
    from service.documents.decision_documents import of_decision
    from service.documents.signed_statements import Verifier
    from service.documents.trusted_signers import TrustedSigners

    with open_desk(database, policies) as desk:
        verifier = Verifier(TrustedSigners.read(desk.settings.document_signers))
        stored = desk.stored(id)
        with desk.database.reading.connect() as connection:
            found = of_decision(connection, desk.live.bundle, stored, desk.today, verifier)
    if as_json:
        documents = [each.model_dump(mode="json") for each in found]
        print(json.dumps({"documents": documents}, indent=2, ensure_ascii=False))
        return 0
    for each in found:
        state = "attached" if each.attached else "stated" if each.sha256 else "stated without a hash"
        print(f"{safe(each.name)}: {f'shown until {each.shown_until}' if each.shown_until else state}")
        if each.sha256:
            print(f"    {each.sha256}")
        for one in each.confirmations:
            print(f"    {one.at:%Y-%m-%d} {safe(one.by)}: {one.verdict}{f' until {one.until}' if one.until else ''}")
        for signed in each.signatures:
            who = ", ".join(safe(signer.name) for signer in signed.signers) or "nobody who is trusted"
            counts = f"counts until {signed.counts_until}" if signed.counts_until else f"does not count ({signed.why_not})"
            print(f"    {signed.at:%Y-%m-%d} signed by {who}: {counts}")
    if not found:
        print("the exchange presents no document")
    return 0


@app.add(
    "document sign contract.pdf evidence.cn-standard-contract --exchange exchange.json --log fifthfactor/log/3f9a01c2"
    " --until 2027-06-30 --key notary.key",
    "document sign contract.pdf evidence.cn-standard-contract --decision 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --until 2027-06-30"
    " --key notary.key",
)
def sign(
    file: File,
    name: Name,
    key: Annotated[Path, typer.Option(help="File of the private key, in PEM. Make one with `fifthfactor bundle keygen`.")],
    until: Annotated[str, typer.Option(help="The last day on which the signature counts, like 2027-06-30.")],
    exchange: Annotated[Path | None, typer.Option(help="JSON file with the exchange that states the document.")] = None,
    log: Annotated[
        str | None,
        typer.Option(help="With --exchange: the name of the service's log, which is the first line of its /checkpoint."),
    ] = None,
    decision: Annotated[str | None, typer.Option(help="Instead: the id of a decision in the database.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write. [the document's name with .dsse.json]")
    ] = None,
    database: Database = None,
    policies: Policies = None,
) -> int:
    """
    Sign what an exchange states of a document: its terms, both parties and a last day. Writes a DSSE envelope, and prints what was signed.

    Read the document first. The signature says that it is what the exchange states. It counts where a service trusts the key
    (FIFTHFACTOR_DOCUMENT_SIGNERS), once it is attached. Ends with 1 where the exchange states another hash, or cannot be signed.
    """
    from service.cli.files import put
    from service.documents import document_bytes, signed_statements
    from service.policies import dsse, signing_keys
    from service.problems import RequestRefused
    from service.store.moments import moment_text

    if (exchange is None) == (decision is None) or (exchange is not None) != (log is not None):
        raise UsedWrongly("name either `--exchange` and `--log`, or `--decision`")
    if str(file) == "-" and output is None:
        raise UsedWrongly("name the file to write with `--output`, since the document is on standard input")
    last, signer = _day(until), signing_keys.private_key(key)
    try:
        seen = document_bytes.see(_content(file, settings().document_limit))
        stated, named = _in_exchange(exchange, name, policies), log or ""
        if stated is None and decision is not None:
            with open_desk(database, policies) as desk:
                from service.documents.decision_documents import stated_in

                stated, named = stated_in(desk.live.bundle, desk.stored(decision), name), desk.database.log_key().origin
        if stated is None:
            complain(f"error: the exchange states no `{safe(name[:120])}` with a SHA-256")
            return 1
        if stated.sha256 != seen.info.sha256:
            complain(f"error: the exchange states the hash {stated.sha256}, and this document has {seen.info.sha256}")
            return 1
        payload = signed_statements.statement_to_sign(stated, named, moment_text(datetime.now(UTC)), last)
    except RequestRefused as refused:
        return _told(refused)
    except signed_statements.DocumentStatementRefused as refused:
        complain(f"error: {refused}")
        return 1
    envelope = dsse.Envelope(signed_statements.PAYLOAD_TYPE, payload, ()).signed_also_by(signer)
    place = output or file.with_name(f"{file.name}.dsse.json")
    put(place, envelope.written())
    print("\n".join(map(safe, json.dumps(json.loads(payload), indent=2, ensure_ascii=False).splitlines())))
    print(f"signed by the key {signer.public.id} into {place}")
    return 0


@app.add("document attach-signature 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 evidence.cn-standard-contract contract.pdf.dsse.json")
def attach_signature(
    id: Id,
    name: Name,
    envelope: Annotated[Path, typer.Argument(help="The envelope that `document sign` wrote; - reads standard input.")],
    database: Database = None,
    policies: ServicePolicies = None,
) -> int:
    """
    Attach a signed statement to a document of a decision. It counts if FIFTHFACTOR_DOCUMENT_SIGNERS names the signer.

    Ends with 1 where it does not count: nobody trusted signed it, or the exchange states otherwise than what is signed.
    """
    from service.callers.context import EvaluatingAll
    from service.cli.files import read
    from service.documents import decision_documents, document_signatures
    from service.documents.signed_statements import MOST_BYTES, Verifier
    from service.documents.trusted_signers import TrustedSigners
    from service.problems import RequestRefused

    raw = read(envelope, MOST_BYTES + 1)
    with open_desk(database, policies) as desk:
        verifier = Verifier(TrustedSigners.read(desk.settings.document_signers))
        context, id, log = desk.context(EvaluatingAll), desk.stored(id).entry.id, desk.database.log_key().origin
        try:
            with desk.database.transaction() as transaction:
                of = decision_documents.recorded(context, id, name, transaction)
                verified = document_signatures.read(verifier, raw)
                kept = document_signatures.attach(context, of, verified, log, transaction)
        except RequestRefused as refused:
            return _told(refused)
    print(f"signed by {', '.join(safe(each.name) for each in kept.signers)}: counts until {kept.counts_until}")
    return 0


def _in_exchange(file: Path | None, name: str, policies: list[Path] | None) -> "StatedDocument | None":
    """A document with a hash of the exchange in a file. Raises UsedWrongly."""
    if file is None:
        return None
    from service.cli.files import load_or_stop, read_exchange
    from service.documents.stated_documents import documents_with_hash

    bundle = load_or_stop(policies or [], tests=False)
    return documents_with_hash(bundle, read_exchange(bundle, file, "en").document).get(name)


def _content(file: Path, most: int) -> bytes:
    """The bytes of a document. Raises UsedWrongly."""
    from service.cli.files import read

    content = read(file, most + 1)
    if len(content) > most:
        raise UsedWrongly(f"{file} has more than {most:,} bytes (FIFTHFACTOR_DOCUMENT_LIMIT)")
    return content


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsedWrongly(f"`--until` must be a day like 2027-06-30, not `{safe(text[:40])}`") from None


def _told(refused: "RequestRefused") -> int:
    complain(f"error: {safe(refused.detail)}")
    return 2 if refused.kind in _OF_USE else 1
