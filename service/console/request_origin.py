"""
How a recorded exchange was asked, beside its facts: by which mapping another program's request was read, and from which contract.

The input is a record, the output is what its page shows of both. A record without either has no such lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.console.list_limits import height, short
from service.console.reader import PageReader, Part, capital
from service.console.request_facts import LONGEST

FORMS = {"json-ld": "JSON-LD", "turtle": "Turtle"}


@dataclass(frozen=True)
class ClientFact:
    """A fact that a client of the program could set; the title is empty where it is the name."""

    name: str
    title: str


@dataclass(frozen=True)
class MappingShown:
    """What another program asked, and the mapping that read it. The title is empty where the mapping is another now."""

    name: str
    title: str
    operation: str
    digest: str

    @property
    def named(self) -> str:
        """The title and the name."""
        return f"{self.title} {self.name}".strip()


@dataclass(frozen=True)
class ContractUnder:
    """The contract that an exchange was decided under. Once it is erased, nothing of it is known."""

    id: str = ""
    form: str = ""
    digest: str = ""
    erased: bool = False


def mapping_of(record: Part, reader: PageReader) -> MappingShown | None:
    """The mapping that a record names."""
    found = _members(record, "mapping")
    if not found:
        return None
    name, operation, digest = (str(found.get(each, "")) for each in ("name", "operation", "digest"))
    known = reader.bundle.mappings.get(name)
    title = known.text.title.in_(reader.lang) if known is not None and known.digest == digest else ""
    return MappingShown(name, title, operation, digest)


def client_facts(record: Part, reader: PageReader) -> list[ClientFact]:
    """The facts that a client of the program could set."""
    names = [str(each) for each in _members(record, "mapping").get("from_client") or ()]
    titles = {name: reader.title(name) for name in names}
    return [ClientFact(name, "" if title == name else capital(title)) for name, title in titles.items()]


def contract_of(record: Part) -> ContractUnder | None:
    """The contract that a record names."""
    found = _members(record, "contract")
    if not found:
        return None
    if "digest" not in found:
        return ContractUnder(erased=True)
    id, form, digest = (str(found.get(each, "")) for each in ("id", "form", "digest"))
    return ContractUnder(id, FORMS.get(form, form), digest)


def printed_lines(mapping: MappingShown | None, contract: ContractUnder | None) -> float:
    """The printed lines that both take, with their title and without the facts of a client."""
    lines = [0.7 + height(each, columns=60) for each in (mapping.operation, mapping.named, mapping.digest)] if mapping else []
    lines += (
        [0.7 + height(short(each, LONGEST), columns=60) for each in (contract.id or "-", contract.digest)] if contract else []
    )
    return 3 + sum(lines) if lines else 0


def _members(record: Part, name: str) -> Mapping[str, Any]:
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}
