"""`fifthfactor compliance-document`: documents that laws ask for, drafted from the record of a decision, as files."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import BY, Commands, Database, Lang, ServicePolicies, UsedWrongly, need
from service.cli.database_access import open_service
from service.cli.output import complain, count

app = Commands("Draft assessments, annexes of contracts and records of processing from a recorded decision.")


@app.callback()
def compliance_document() -> None:
    """Draft assessments, annexes of contracts and records of processing from a recorded decision."""


@app.add("compliance-document list", "compliance-document list --lang zh", name="list")
def list_(lang: Lang = "en") -> int:
    """List the documents that can be drafted, each with the law that asks for it."""
    import engine
    from service.compliance_documents.template_files import templates

    need("language", lang, engine.LANGUAGES)
    for name, text in templates().items():
        print(f"{name}: {text.title.in_(lang)}")
        print(f"    {text.cite.in_(lang)}")
    return 0


@app.add(
    "compliance-document draft 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 transfer-impact-assessment --output assessment.docx",
    "compliance-document draft 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 pi-impact-assessment --lang zh --output report.md",
)
def draft(
    id: Annotated[str, typer.Argument(help="Id of the decision.")],
    name: Annotated[str, typer.Argument(help="Name of the document, like scc-annexes; `list` names them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, whose name ends with .md or .docx.")],
    lang: Lang = "en",
    policies: ServicePolicies = None,
    database: Database = None,
) -> int:
    """
    Draft a document from the record of a decision. Only its owner can read the file.

    Each entry says where it comes from. What a person must still write is marked in its place and listed at the end. Ends with 1 where the
    decision is not a permit: the draft then says so at its top.
    """
    import engine
    from service.callers.caller import Caller
    from service.callers.context import ReadingAll
    from service.cli.files import for_its_owner
    from service.compliance_documents import docx_file, drafting
    from service.compliance_documents.markdown_file import markdown
    from service.compliance_documents.template_files import templates
    from service.decisions.replay import Replayer
    from service.problems import RequestRefused

    need("language", lang, engine.LANGUAGES)
    need("document", name, templates())
    ending = output.suffix.lower()
    if ending not in (".md", ".docx"):
        raise UsedWrongly("end the name of the file with .md or .docx, which says how it is written")
    if ending == ".docx" and (why := docx_file.unavailable()):
        raise UsedWrongly(f"no file of Word can be written: {why}")
    with open_service(database, policies, watch=False) as service:
        context = service.context(ReadingAll, Caller(BY, frozenset({"read"})), "")
        try:
            made = drafting.draft(context, id, name, lang, Replayer(service), service)
        except RequestRefused as refused:
            raise UsedWrongly(refused.detail) from None
        written = docx_file.docx(made) if ending == ".docx" else markdown(made).encode()
    try:
        with open(output, "wb", opener=for_its_owner) as file:
            file.write(written)
    except OSError as failed:
        raise UsedWrongly(f"cannot write {output}: {failed.strerror}") from None
    complain(f"{count(len(list(made.to_write())), 'place')} to be written by a person")
    if not made.permits:
        complain("the decision is not a permit; the draft says so at its top")
    return 0 if made.permits else 1
