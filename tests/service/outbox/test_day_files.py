"""Files by day: no line torn, none lost, none twice; and a day that is finished has its last name."""

import fcntl
import json
import os
import random
import signal
import time
from datetime import date
from pathlib import Path

import pytest

from service.outbox.day_files import DayFiles
from service.outbox.sink_settings import FilesSettings
from service.outbox.sinks import SinkUnreachable
from service.outbox.stream_event import DECISION, StreamEvent
from tests.service.conftest import eventually

SOURCE = "urn:log"


def sink(folder: Path, source: str = SOURCE) -> DayFiles:
    """A sink that writes into a folder."""
    return DayFiles(FilesSettings.model_validate({"name": "files", "kind": "files", "folder": str(folder)}), source)


def event(sequence: int, day: str) -> StreamEvent:
    """An event of a day."""
    return StreamEvent(
        sequence, f"id-{sequence}", "decision", DECISION, "d", f"{day}T12:00:00Z", None, {"outcome": "permitted"}
    )


def names(folder: Path) -> list[str]:
    """The files of the folder."""
    return sorted(each.name for each in folder.glob("*.jsonl*"))


def sequences(path: Path) -> list[int]:
    """The numbers of the events in a file, which has whole lines only."""
    content = path.read_bytes()
    assert content == b"" or content.endswith(b"\n")
    return [int(json.loads(line)["sequence"]) for line in content.splitlines()]


def test_a_day_is_finished_when_a_later_one_begins(tmp_path: Path) -> None:
    """It gets its last name then; a day without events has an empty file; what comes late is in the file of the day it came."""
    folder = tmp_path / "new" / "folder"
    files = sink(folder)
    files.send([event(1, "2026-03-30"), event(2, "2026-03-30")])
    assert names(folder) == ["2026-03-30.jsonl.open"]
    files.send([event(4, "2026-03-30"), event(7, "2026-04-02"), event(8, "2026-04-01"), event(9, "2026-04-02")])
    assert names(folder) == ["2026-03-30.jsonl", "2026-03-31.jsonl", "2026-04-01.jsonl", "2026-04-02.jsonl.open"]
    assert sequences(folder / "2026-03-30.jsonl") == [1, 2, 4]
    assert sequences(folder / "2026-03-31.jsonl") == sequences(folder / "2026-04-01.jsonl") == []
    assert sequences(folder / "2026-04-02.jsonl.open") == [7, 8, 9]
    files.over(date(2026, 4, 2))
    assert (folder / "2026-04-02.jsonl.open").exists()
    files.over(date(2026, 4, 4))
    sink(folder).over(date(2026, 4, 5))
    assert names(folder)[3:] == ["2026-04-02.jsonl", "2026-04-03.jsonl", "2026-04-04.jsonl"]
    sink(folder).send([event(12, "2026-04-03")])
    assert sequences(folder / "2026-04-05.jsonl.open") == [12]
    assert oct((folder / "2026-04-05.jsonl.open").stat().st_mode)[-3:] == "600"


def test_what_is_sent_again_is_not_written_again(tmp_path: Path) -> None:
    """By the same process, by another one, and after the day was finished."""
    some = [event(number, "2026-03-30") for number in range(5)]
    files = sink(tmp_path)
    files.send(some[:3])
    files.send(some[1:4])
    sink(tmp_path).send(some)
    files.send(some)
    assert sequences(tmp_path / "2026-03-30.jsonl.open") == [0, 1, 2, 3, 4]
    files.over(date(2026, 4, 1))
    sink(tmp_path).send([*some, event(5, "2026-04-01")])
    assert sequences(tmp_path / "2026-03-30.jsonl") == [0, 1, 2, 3, 4]
    assert sequences(tmp_path / "2026-04-01.jsonl.open") == [5]


def test_a_piece_of_a_line_is_cut_off(tmp_path: Path) -> None:
    """Wherever the writing was interrupted, also within the first line of a file."""
    some = [event(number, "2026-03-30") for number in range(4)]
    for whole in (0, 2):
        folder = tmp_path / str(whole)
        sink(folder).send(some)
        path = folder / "2026-03-30.jsonl.open"
        lines = path.read_bytes().splitlines(keepends=True)
        for length in (1, len(lines[whole]) - 1):
            path.write_bytes(b"".join(lines[:whole]) + lines[whole][:length])
            sink(folder).send(some)
            assert path.read_bytes() == b"".join(lines)


def test_kills_in_mid_write_tear_and_lose_no_line(tmp_path: Path) -> None:
    """A process writes and is killed, again and again; each next one is sent what the one before may not have written."""
    most, at = 40_000, 0
    chance = random.Random(38)
    for _ in range(12):
        writer = os.fork()
        if writer == 0:  # pragma: no cover
            files = sink(tmp_path)
            for first in range(at, most, 7):
                files.send(
                    [event(number, f"2026-03-{1 + number // 2_000:02}") for number in range(first, min(first + 7, most))]
                )
            os._exit(0)
        eventually(lambda: names(tmp_path))
        time.sleep(chance.uniform(0.01, 0.15))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        found = [number for name in names(tmp_path) for number in numbers(tmp_path / name)]
        assert found == list(range(len(found)))
        at = max(len(found) - 20, 0)  # a cursor is never ahead, and may be behind
    assert found, "nothing was written before the kills"
    sink(tmp_path).send([event(number, "2026-03-31") for number in range(at, len(found) + 3)])
    after = [number for name in names(tmp_path) for number in sequences(tmp_path / name)]
    assert after == list(range(len(found) + 3))


def numbers(path: Path) -> list[int]:
    """The numbers of the whole lines of a file."""
    *whole, _ = path.read_bytes().split(b"\n")
    return [int(json.loads(line)["sequence"]) for line in whole]


def test_a_folder_of_another_log_or_of_another_process_is_left_alone(tmp_path: Path) -> None:
    """And one whose last line is no event, or that has two days open: a person must look."""
    sink(tmp_path).send([event(5, "2026-03-30")])
    before = (tmp_path / "2026-03-30.jsonl.open").read_bytes()
    with pytest.raises(SinkUnreachable, match="another log"):
        sink(tmp_path, "urn:other").send([event(6, "2026-03-30")])
    with (tmp_path / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SinkUnreachable, match="another process"):
            sink(tmp_path).send([event(6, "2026-03-30")])
    (tmp_path / "2026-03-29.jsonl.open").write_text("")
    with pytest.raises(SinkUnreachable, match="beside a later day"):
        sink(tmp_path).send([event(6, "2026-03-30")])
    (tmp_path / "2026-03-29.jsonl.open").unlink()
    assert (tmp_path / "2026-03-30.jsonl.open").read_bytes() == before
    (tmp_path / "2026-03-30.jsonl.open").write_text("what is this?\n")
    with pytest.raises(SinkUnreachable, match="is no event"):
        sink(tmp_path).send([event(6, "2026-03-30")])


def test_a_folder_that_cannot_be_written_is_a_failure_like_another(tmp_path: Path) -> None:
    """It is said without the name of the folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkUnreachable, match="cannot be written") as failed:
        sink(tmp_path / "file" / "folder").send([event(6, "2026-03-30")])
    assert "file" not in str(failed.value)


def history(first: int, after: int, era: str, day: str) -> list[StreamEvent]:
    """Events of a log as one history of it has them."""
    return [
        StreamEvent(each, f"{era}-{each}", "decision", DECISION, "d", f"{day}T12:00:00Z", None, {})
        for each in range(first, after)
    ]


def test_a_restored_log_gives_numbers_again_and_none_of_its_events_is_passed_over(tmp_path: Path) -> None:
    """The files have other events under these numbers. The sink stays where it is and says so, until it has another folder."""
    sink(tmp_path).send(history(0, 40, "before", "2026-03-30"))
    restored = [*history(0, 20, "before", "2026-03-30"), *history(20, 30, "after", "2026-03-30")]
    for batch in (restored[15:], restored[20:25], restored[29:]):
        with pytest.raises(SinkUnreachable, match="name another folder"):
            sink(tmp_path).send(batch)
    sink(tmp_path).send(restored[:20])  # these it has
    assert sequences(tmp_path / "2026-03-30.jsonl.open") == list(range(40))
    sink(tmp_path / "other").send(restored[15:])
    assert sequences(tmp_path / "other" / "2026-03-30.jsonl.open") == list(range(15, 30))


def test_what_comes_again_is_looked_up_in_all_files_that_are_left(tmp_path: Path) -> None:
    """What was in a file that was taken away comes again only from before; what was recorded later is other events."""
    whole = [
        *history(0, 30, "before", "2026-03-30"),
        *history(30, 50, "before", "2026-04-02"),
        *history(50, 60, "before", "2026-04-03"),
    ]
    sink(tmp_path).send(whole)
    for first in (0, 10, 29, 30, 45, 59):
        sink(tmp_path).send(whole[first:])
    (tmp_path / "2026-03-30.jsonl").unlink()
    sink(tmp_path).send(whole[10:])
    with pytest.raises(SinkUnreachable, match="name another folder"):
        sink(tmp_path).send(history(10, 20, "after", "2026-04-04"))
    assert sequences(tmp_path / "2026-04-02.jsonl") == list(range(30, 50))
    assert sequences(tmp_path / "2026-04-03.jsonl.open") == list(range(50, 60))


def test_a_sink_that_now_gets_more_kinds_of_events_passes_over_none(tmp_path: Path) -> None:
    """An event below the last number that the files do not have is not dropped in silence."""
    sink(tmp_path).send([event(1, "2026-03-30"), event(3, "2026-03-30")])
    with pytest.raises(SinkUnreachable, match="name another folder"):
        sink(tmp_path).send([event(1, "2026-03-30"), event(2, "2026-03-30"), event(3, "2026-03-30")])


@pytest.mark.parametrize("name", ["2026-03-30.jsonl.open", ".lock"])
def test_a_link_in_the_folder_is_not_followed(tmp_path: Path, name: str) -> None:
    """Nothing is cut off from the file that it leads to, and nothing is written there."""
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    other.write_text("no line")
    (folder / name).symlink_to(other)
    with pytest.raises(SinkUnreachable, match="cannot be written"):
        sink(folder).send([event(1, "2026-03-30")])
    assert other.read_text() == "no line"
