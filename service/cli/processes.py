"""
Work on a desk, shared out among the processors.

What the work needs is in memory before the processes are forked, so nothing is loaded twice; where a machine cannot fork, or has one
processor, the work is done here. Results come in the order of what was asked. An interruption ends them with the process that asked.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_work: Callable[[Any], Any] | None = None  # what forked processes find in their memory


def in_processes(work: Callable[[Item], Result], items: Sequence[Item], chunk: int = 1) -> Iterator[Result]:
    """What the work makes of each item. `chunk` items go to a process at a time."""
    global _work
    workers = min(os.cpu_count() or 1, len(items))
    if workers < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, items)
        return
    _work = work
    try:
        with multiprocessing.get_context("fork").Pool(workers, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
            yield from pool.imap(_done, items, chunk)
    finally:
        _work = None


def _done(item: Any) -> Any:
    assert _work is not None
    return _work(item)
