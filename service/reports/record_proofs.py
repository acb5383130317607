"""
The proofs of a report: the signed checkpoint of the log, and for each listed record its leaf and whether it verifies.

Each record is verified as a far side would: its bytes, the path from its leaf to a root, and the signature on the root. Whoever does not
trust this service takes the verifier key from elsewhere and does the same with the commands that the section names.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from service.languages.words import wording
from service.ledger.committed_records import CommittedRecord
from service.log.proofs import log_tree, verifier_key
from service.log.receipt_leaf import newest
from service.log.store import find
from service.log.verified_record import NotVerified, verify_record
from service.reports.report_document import Block, Cell, Column, Copied, Facts, Section, Table, cell
from service.reports.report_figures import and_more
from service.service import Service
from service.store.log_key import LogRefused
from service.transparency.checkpoint import CheckpointRefused, open_checkpoint
from service.transparency.signed_note import NoteRefused

COMMANDS = """\
fifthfactor log export --proofs --since {first} --until {last} --output records.jsonl
fifthfactor log verify records.jsonl --key log.key
fifthfactor receipt verify receipt.json --key log.key"""


class RecordProofs:
    """The proofs of one service."""

    def __init__(self, service: Service) -> None:
        self._database = service.store.database

    def section(
        self, connection: sa.Connection, listed: Sequence[CommittedRecord], more: int, first: str, last: str, lang: str
    ) -> Section:
        """The proofs of the listed commitments; `more` of them are not listed."""
        words = wording(lang).reports
        blocks: list[Block] = [words["checkpoint_about"], *self._checkpoint(lang)]
        rows = [self._row(connection, each, lang) for each in listed]
        if rows:
            columns = (
                Column(words["decision"], width=3),
                Column(words["leaf"], width=1, number=True),
                Column(words["verified"], width=3),
                Column(words["receipt"], width=2),
            )
            blocks.append(Table(words["proven"], columns, rows, and_more(more, lang)))
        blocks += [words["how_text"], Copied(COMMANDS.format(first=first, last=last))]
        return Section("proofs", words["part_proofs"], tuple(blocks))

    def _checkpoint(self, lang: str) -> Iterator[Block]:
        words = wording(lang).reports
        try:
            with log_tree(self._database) as tree:
                note, key = tree.checkpoint(), verifier_key(tree.key)
            checkpoint, _ = open_checkpoint(note, key.name, [key])
        except (LogRefused, NoteRefused, CheckpointRefused) as refused:
            yield words["no_checkpoint"].format(refused)
            return
        yield Facts(
            (
                (words["log"], checkpoint.origin),
                (words["log_size"], f"{checkpoint.size:,}"),
                (words["log_root"], checkpoint.root.hex()),
                (words["log_key"], key.text()),
            )
        )
        yield Copied(note.to_bytes().decode().rstrip("\n"))

    def _row(self, connection: sa.Connection, made: CommittedRecord, lang: str) -> tuple[Cell, ...]:
        words = wording(lang).reports
        stored = find(connection, made.evaluation)
        assert stored is not None  # a commitment is made in the transaction that records its decision
        receipt = any(newest(connection, id) is not None for id in dict.fromkeys((made.evaluation, made.decision)))
        try:
            found = verify_record(self._database, stored)
        except NotVerified as fault:
            leaf, verified = cell(""), cell(words["verified_no"].format(fault), tone="stop")
        else:
            leaf = cell(f"{found.index:,}")
            verified = cell(words["verified_yes"].format(f"{found.size:,}"), tone="go")
        return (
            cell(made.evaluation, made.evaluation),
            leaf,
            verified,
            cell(words["receipt_made" if receipt else "receipt_none"]),
        )
