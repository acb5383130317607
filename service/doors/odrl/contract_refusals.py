"""Why a document is not read as a contract: one sentence, and where."""

from service.problems import ProblemPlace, RequestRefused


def refused(code: str, detail: str, pointer: str = "") -> RequestRefused:
    """The refusal (400) of a document for one reason at one place. Raise it."""
    return RequestRefused("contract-refused", detail, errors=(ProblemPlace(pointer=pointer, code=code, detail=detail),))


def shown(text: str) -> str:
    """A name of somebody else's, short enough for a sentence and without what a terminal would obey."""
    clean = "".join(each if each.isprintable() else "?" for each in text)
    return f"`{clean}`" if len(clean) <= 100 else f"`{clean[:100]}…`"
