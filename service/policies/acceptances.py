"""
What an organisation accepts, as a person says it at the service: subject matters of countries go in, the YAML for its policies comes out.

Where the setting `acceptances` names the organisation's folder, the YAML is put in place there, in a file of its own. What an author has
written is never touched. Source: semantics 4.3.

INVARIANT (all or nothing): the file is replaced as a whole, and only by one with which everything that is loaded holds and that says
exactly what was asked for.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

import engine
from service.languages.visible_text import PATTERN, is_plain
from service.limits import ACCEPTANCE_CELLS, ACCEPTANCE_DAYS
from service.policies import loading
from service.policies.reloading import Origin, Policies, PoliciesRefused
from service.problems import RequestRefused, places_of
from service.receipts.file_lock import LockHeld
from service.store import durable_file

LOADING_SECONDS = 60.0  # for which another acceptance may be loading all policies
FILE = "acceptances.yaml"  # in the organisation's folder
OWN = ".acceptances"  # added to the id of the organisation: a document of its own
_HEAD = "# The service writes what is accepted there into this file, at its end. Whoever is responsible for these policies may edit it.\n"
_ID = re.compile(r"^\s*- id: [\"']?([A-Za-z0-9.-]+)", re.MULTILINE)

Said = Annotated[
    str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=True), Field(json_schema_extra={"pattern": PATTERN})
]


class CellNamed(BaseModel):
    """A subject matter of a country."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="CoverageCell")

    country: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=80)]


class AcceptanceRequest(BaseModel):
    """That some subject matters of countries are looked after elsewhere, for a time: who says so, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Acceptance")

    cells: Annotated[tuple[CellNamed, ...], Field(min_length=1, max_length=ACCEPTANCE_CELLS)]
    by: Annotated[Said, Field(max_length=200, description="the person who accepts it, by name")]
    because: Annotated[Said, Field(description="why it may be accepted: who looks after it, and where")]
    until: date = Field(description=f"the last day, at most {ACCEPTANCE_DAYS} days ahead; the first is today")
    write: bool = Field(
        default=False, description="whether it is put into the organisation's folder, where the service has a setting for it"
    )

    @model_validator(mode="after")
    def _said(self) -> Self:
        if any(engine.is_placeholder(each) for each in (self.by, self.because)):
            raise ValueError("say in words who accepts it, and why")
        if not all(map(is_plain, (self.by, self.because))):
            raise ValueError("a name and a reason are plain text without control characters")
        return self


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of an organisation into which acceptances are written, and where its policies are taken from."""

    path: Path
    origin: Origin

    @property
    def name(self) -> str:
        """The name of the file with the acceptances, as the policies have it."""
        return f"{self.path.resolve().name}/{FILE}"


def check_request(bundle: engine.Bundle, asked: AcceptanceRequest, today: date) -> AcceptanceRequest:
    """What was asked, each cell once. Raises RequestRefused for what nobody can accept: see `check`, which says the same of a file."""
    countries = bundle.vocabulary.values["country"].lineage if "country" in bundle.vocabulary.values else {}
    subjects = bundle.vocabulary.subjects
    for cell in asked.cells:
        if cell.country not in countries:
            raise RequestRefused("bad-request", f"there is no country `{cell.country}`")
        if cell.subject not in subjects:
            raise RequestRefused("bad-request", f"there is no subject matter `{cell.subject}`")
        if subjects[cell.subject].guarded == "yes":
            raise RequestRefused("bad-request", f"nobody can accept `{cell.subject}`: a person looks at each exchange")
    if not today <= asked.until <= today + timedelta(days=ACCEPTANCE_DAYS):
        raise RequestRefused("bad-request", f"`until` is a day from today on, at most {ACCEPTANCE_DAYS} days ahead")
    return asked.model_copy(update={"cells": tuple(dict.fromkeys(asked.cells))})


def yaml_entries(asked: AcceptanceRequest, today: date, taken: Sequence[str] = ()) -> str:
    """The entries for `accepts:`, in YAML; their ids are none of those that are taken."""
    ids, lines = set(taken), ["accepts:"]
    for cell in asked.cells:
        stem = f"{cell.country}-{cell.subject}".lower()
        id = next(each for number in range(1, len(ids) + 2) if (each := stem if number == 1 else f"{stem}-{number}") not in ids)
        ids.add(id)
        lines += [
            f"  - id: {id}",
            f"    country: {_quoted(cell.country)}",
            f"    subjects: [{_quoted(cell.subject)}]",
            f"    by: {_quoted(asked.by)}",
            f"    because: {_quoted(asked.because)}",
            f"    from: {today}",
            f"    until: {asked.until}",
        ]
    return "\n".join(lines) + "\n"


def entries_to_copy(asked: AcceptanceRequest, today: date) -> str:
    """The entries in the layout of authors, to be copied into an `organisation:` document."""
    whole = engine.lay_out(FILE, f"organisation: own\ntitle: own\n\n{yaml_entries(asked, today)}".encode()).decode()
    return whole[whole.index("accepts:") :]


def put_in_place(folder: Folder, live: engine.Bundle, asked: AcceptanceRequest, today: date) -> str:
    """
    Add acceptances to the file in the organisation's folder; returns its name. It loads all policies, and takes as long. `live` are those
    that decide now.

    Raises RequestRefused, with the findings, where the policies would not hold; then nothing is written.
    """
    path = folder.path.resolve() / FILE
    try:
        with durable_file.alone_in(folder.path, LOADING_SECONDS):
            return _put(path, folder, live, asked, today)
    except LockHeld as held:
        raise RequestRefused("busy", str(held.strerror), headers={"Retry-After": "10"}) from None


def _put(path: Path, folder: Folder, live: engine.Bundle, asked: AcceptanceRequest, today: date) -> str:
    try:
        files, _ = loading.sources(folder.origin.paths, folder.origin.settings, folder.origin.keys)
        before = files.get(folder.name, b"").decode()
        said = yaml_entries(asked, today, _ID.findall(before))
        text = before + said.removeprefix("accepts:\n") if before else _begun(live, folder) + said
        data = engine.lay_out(folder.name, text.encode())
        bundle = engine.load_sources({**files, folder.name: data}, folder.origin.settings, tests=False)
    except (loading.SourceRefused, engine.NotLaidOut) as refused:
        raise RequestRefused("policies-refused", str(refused)) from None
    except engine.BundleRefused as refused:
        raise RequestRefused(
            "policies-refused", "with these acceptances the policies would not hold", errors=places_of(refused.diagnostics)
        ) from None
    _check_said(bundle, folder, asked, today)
    durable_file.put(path, data, 0o644)
    return folder.name


async def reload_with(policies: Policies, name: str) -> None:
    """Load the policies with a file that was written. Raises RequestRefused where they are refused for another reason."""
    try:
        await policies.reload()
    except PoliciesRefused as refused:
        places = places_of(refused.refusal.diagnostics)
        raise RequestRefused("policies-refused", f"`{name}` is written, but: {refused}", errors=places or None) from None


def _begun(live: engine.Bundle, folder: Folder) -> str:
    """The beginning of a new file: an organisation of its own beside that of the folder. Raises RequestRefused where it has none."""
    own = live.vocabulary.organisations
    mine = next((each for each in own if each.file.partition("/")[0] == folder.name.partition("/")[0]), None)
    if mine is None:
        raise RequestRefused("policies-refused", "the folder for acceptances has no `organisation:` document of its own")
    en, zh = mine.title.in_("en"), mine.title.in_("zh")
    title = f"{{en: {_quoted(f'{en}: acceptances')}, zh: {_quoted(f'{zh}：认可事项')}}}"
    return f"{_HEAD}organisation: {mine.id}{OWN}\ntitle: {title}\n\n"


def _check_said(bundle: engine.Bundle, folder: Folder, asked: AcceptanceRequest, today: date) -> None:
    """Raises RequestRefused unless the policies say just what was asked for: no text of a person may mean anything but itself."""
    mine = [each for each in bundle.vocabulary.accepts if each.file == folder.name][-len(asked.cells) :]
    said = [(each.countries, each.subjects, each.by.in_("en"), each.because.in_("en"), each.from_, each.until) for each in mine]
    meant = [((each.country,), (each.subject,), asked.by, asked.because, today, asked.until) for each in asked.cells]
    if said != meant:
        raise RequestRefused("policies-refused", f"`{folder.name}` would not say what was asked for: write it by hand")


def _quoted(text: str) -> str:
    """A text as YAML, whatever it holds."""
    return json.dumps(text, ensure_ascii=False)
