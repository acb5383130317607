"""
Verifying receipts at a terminal: `fifthfactor receipt verify`, and `fifthfactor-receipt verify` where only the client is installed.

It ends with 0 if everything holds, 1 if it does not, and 2 if it was used wrongly. What holds is printed in sentences, and so is what
no receipt can prove.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ..transparency.signed_note import MAX_NOTE_BYTES, KeyTextRefused, VerifierKey
from .demand import Demand, ReceiptNotAccepted, accept_receipt
from .file_lock import lock
from .receipt import MAX_RECEIPT_BYTES, Receipt, ReceiptInvalid, VerifiedReceipt
from .withdrawals import Withdrawals, WithdrawalsInvalid, verified_withdrawals

HOLDS, DOES_NOT_HOLD, USED_WRONGLY = 0, 1, 2
NOT_PROVEN: Final = (
    "Not proven: that the exchange took place, that the facts are true, that the law is read rightly,",
    "and nothing against whoever holds the log's key, unless a witness cosigned.",
)


class UsedWrongly(Exception):
    """The command was used wrongly; the message says what to do."""


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """What the command was asked for. The facts of a demand are given all together, or none is."""

    file: Path
    key: Path
    asset: str | None = None
    sender: str | None = None
    recipient: str | None = None
    purpose: Sequence[str] = ()
    withdrawals: Sequence[Path] = ()
    used: Path | None = None
    witness: Path | None = None
    quorum: int | None = None
    json: bool = False


@dataclass(frozen=True, slots=True)
class UsedInFile:
    """
    The commitments that were used, an id a line in a file. The file is locked while an id is looked up and added.

    Where another process holds it for longer, nothing is used, and the error says which one.
    """

    path: Path

    def use(self, commitment: str, good_until: datetime) -> bool:
        """Remember a commitment; whether it is new. Raises OSError."""
        with self.path.open("a+", encoding="utf-8") as file:
            lock(file.fileno(), "it")
            file.seek(0)
            if commitment in file.read().split():
                return False
            file.write(f"{commitment}\n")
            file.flush()
            os.fsync(file.fileno())
        return True


class _UsedNowhere:
    def use(self, commitment: str, good_until: datetime) -> bool:
        return True


def verify(asked: CommandOptions, now: datetime, say: Callable[[str], None] = print) -> int:
    """Verify a receipt, and demand what was asked; the exit code. Raises UsedWrongly."""
    keys = _keys(asked.key)
    witnesses = () if asked.witness is None else _keys(asked.witness)
    at_least = len(witnesses) if asked.quorum is None else asked.quorum
    if not 0 <= at_least <= len(witnesses):
        raise UsedWrongly(f"a quorum of {at_least} needs as many witnesses: name their keys with `--witness`")
    demand = _demand(asked)
    if demand is None and (asked.withdrawals or asked.used):
        raise UsedWrongly(
            "`--withdrawals` and `--used` belong to a demand: give `--asset`, `--sender`, `--recipient` and `--purpose` too"
        )
    data = _read(asked.file, MAX_RECEIPT_BYTES)
    try:
        ended = _withdrawals(asked.withdrawals, keys)
        if demand is None:
            receipt = Receipt.parse(data).verify(keys, witnesses, at_least)
        else:
            used = _UsedNowhere() if asked.used is None else UsedInFile(asked.used)
            receipt = accept_receipt(data, keys, demand, used, now, withdrawals=ended, witnesses=witnesses, at_least=at_least)
    except (ReceiptInvalid, WithdrawalsInvalid) as invalid:
        return _refused(asked, [str(invalid)], say)
    except ReceiptNotAccepted as refused:
        return _refused(asked, [str(failure) for failure in refused.failures], say)
    except OSError as error:
        raise UsedWrongly(f"`{asked.used}` cannot be written: {error.strerror}") from None
    if asked.json:
        say(json.dumps({"holds": True, **_document(receipt)}, ensure_ascii=False, indent=2))
        return HOLDS
    for line in _sentences(receipt, demand, ended, asked, now):
        say(line)
    return HOLDS


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point where only the client is installed; the exit code."""
    parser = argparse.ArgumentParser("fifthfactor-receipt", description="Verifies receipts of a Fifth Factor log.")
    verifying = parser.add_subparsers(required=True, metavar="verify").add_parser(
        "verify",
        help="verify a receipt, without a connection",
        epilog="Example: fifthfactor-receipt verify receipt.json --key log.key",
    )
    verifying.add_argument("file", metavar="FILE", type=Path, help="File with the receipt; - reads standard input.")
    verifying.add_argument(
        "--key",
        metavar="FILE",
        type=Path,
        required=True,
        help="File with the verifier key of the log, as `log checkpoint --verifier-key` prints it; a line for each key.",
    )
    for name in ("asset", "sender", "recipient"):
        verifying.add_argument(f"--{name}", metavar="ID", help=f"Demand this {name}.")
    verifying.add_argument(
        "--purpose", action="append", default=[], metavar="WORD", help="Demand this purpose; may be repeated."
    )
    verifying.add_argument(
        "--withdrawals",
        action="append",
        default=[],
        metavar="FILE",
        type=Path,
        help="File with a page of the signed list of withdrawals; may be repeated, in the order of the pages.",
    )
    verifying.add_argument(
        "--used",
        metavar="FILE",
        type=Path,
        help="File with the ids of the commitments that were used here; the one of an accepted receipt is added.",
    )
    verifying.add_argument("--witness", metavar="FILE", type=Path, help="File with the verifier keys of witnesses.")
    verifying.add_argument("--quorum", metavar="NUMBER", type=int, help="How many of the witnesses must have cosigned. [all]")
    verifying.add_argument("--json", action="store_true", help="Print JSON.")
    try:
        return verify(CommandOptions(**vars(parser.parse_args(arguments))), datetime.now(UTC))
    except UsedWrongly as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return USED_WRONGLY


def _demand(asked: CommandOptions) -> Demand | None:
    if not any((asked.asset, asked.sender, asked.recipient, asked.purpose)):
        return None
    if not (asked.asset and asked.sender and asked.recipient and asked.purpose):
        raise UsedWrongly("a demand names all of `--asset`, `--sender`, `--recipient` and `--purpose`")
    return Demand(asked.asset, asked.sender, asked.recipient, frozenset(asked.purpose))


def _keys(path: Path) -> tuple[VerifierKey, ...]:
    lines = _read(path, MAX_NOTE_BYTES).decode(errors="replace").split("\n")
    try:
        keys = tuple(VerifierKey.parse(line.strip()) for line in lines if line.strip())
    except KeyTextRefused as refused:
        raise UsedWrongly(f"`{path}` holds no verifier key: {refused}") from None
    if not keys:
        raise UsedWrongly(f"`{path}` holds no verifier key")
    return keys


def _withdrawals(files: Sequence[Path], keys: Sequence[VerifierKey]) -> Withdrawals | None:
    """The list in the files, each the note itself or the answer that has it. Raises WithdrawalsInvalid and UsedWrongly."""
    notes = []
    for file in files:
        data = _read(file, 2 * MAX_NOTE_BYTES)
        if data.lstrip().startswith(b"{"):
            try:
                data = str(json.loads(data)["note"]).encode()
            except (ValueError, KeyError, TypeError):
                raise WithdrawalsInvalid(f"`{file}` is no page of a list of withdrawals") from None
        notes.append(data)
    return verified_withdrawals(notes, keys) if notes else None


def _read(path: Path, most: int) -> bytes:
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(most + 1)
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise UsedWrongly(f"`{path}` cannot be read: {error.strerror}") from None


def _refused(asked: CommandOptions, reasons: Sequence[str], say: Callable[[str], None]) -> int:
    if asked.json:
        say(json.dumps({"holds": False, "reasons": list(reasons)}, ensure_ascii=False, indent=2))
    else:
        for reason in reasons:
            say(f"refused: {reason}")
    return DOES_NOT_HOLD


def _document(receipt: VerifiedReceipt) -> dict[str, Any]:
    """What holds, as JSON."""
    commitment = receipt.commitment
    return {
        "log": receipt.origin,
        "size": receipt.size,
        "index": receipt.index,
        "decision": receipt.decision,
        "record": receipt.record,
        "recorded_at": receipt.recorded_at.isoformat(),
        "good_until": None if receipt.good_until is None else receipt.good_until.isoformat(),
        "committed": None if commitment is None else {"id": commitment.id, "at": commitment.at.isoformat()},
        "answer": dict(receipt.answer),
        "asset": receipt.asset,
        "sender": receipt.sender,
        "recipient": receipt.recipient,
        "purposes": list(receipt.purposes),
        "cosigned": [{"witness": each.witness, "at": _second(each.time)} for each in receipt.cosigned],
    }


def _sentences(
    receipt: VerifiedReceipt, demand: Demand | None, ended: Withdrawals | None, asked: CommandOptions, now: datetime
) -> list[str]:
    answer, commitment, until = receipt.answer, receipt.commitment, receipt.good_until
    may = "may proceed" if answer.get("proceed") is True else "may not proceed"
    past = " (this is past)" if until is not None and now > until else ""
    facts = [
        f"{name} {_safe(value)}"
        for name, value in (("asset", receipt.asset), ("sender", receipt.sender), ("recipient", receipt.recipient))
        if value is not None
    ]
    facts += [f"purpose {', '.join(map(_safe, receipt.purposes))}"] if receipt.purposes else []
    found = [
        f"The log `{_safe(receipt.origin)}` signed a tree of {receipt.size:,} leaves, and this receipt is leaf {receipt.index:,} of it.",
        f"Decision {_safe(receipt.decision)} of {_moment(receipt.recorded_at)} under the law of {_safe(str(answer.get('as_of')))}:"
        f" {_safe(receipt.outcome)}, the exchange {may}.",
        f"Its answer: {_safe(str(answer.get('answer')))}",
        f"Of the request it opens: {'; '.join(facts) or 'nothing'}.",
        "It was not committed when the receipt was made."
        if commitment is None
        else f"It was committed as {_safe(commitment.id)} on {_moment(commitment.at)}.",
        "It is good for nothing, since it is no permit." if until is None else f"It is good until {_moment(until)}{past}.",
    ]
    found += [f"Witness `{_safe(each.witness)}` cosigned the tree on {_second(each.time)}." for each in receipt.cosigned]
    if demand is None:
        found.append("No demand was made: whether this is the exchange at hand was not looked at.")
    else:
        found.append("It meets the demand: this asset, sender, recipient and purpose; committed, and still good.")
        found.append(
            f"By the list of {_moment(ended.issued)} its commitment was not withdrawn."
            if ended
            else "Whether its commitment was withdrawn was not looked at."
        )
        found.append("It was not used here before." if asked.used else "Whether it was used here before was not looked at.")
    return [*found, *NOT_PROVEN]


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")


def _second(time: int) -> str:
    try:
        return _moment(datetime.fromtimestamp(time, UTC))
    except (OverflowError, ValueError, OSError):
        return "a day that no calendar has"


def _safe(text: str) -> str:
    """A text of others with `\ufffd` in place of characters that would move the cursor of a terminal."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


if __name__ == "__main__":
    raise SystemExit(main())
