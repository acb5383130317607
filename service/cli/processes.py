"""
Work of a command, divided among the processors.

The processes are forked after the policies are loaded, so nothing is loaded twice. Where the machine cannot fork, or has one processor,
this process does the work. Results come in the order of the items. Whoever wants no further results waits for the items that are being
done. Where the command itself is killed, the others see it within a second, and end too.
"""

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_work: Callable[[Any], Any] | None = None  # forked processes find it in their memory
_left: Any = None  # a byte that all of them share: 1 once nobody wants further results


def in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], chunk: int = 1, processes: int | None = None
) -> Iterator[Result]:
    """
    The result of the work for each item, by `processes`, or one for each processor. A process takes `chunk` items at a time.

    Whoever leaves before the last result, or fails on the way, waits until each process is done with its items. To end a pool in the
    middle of its work may wait for ever.
    """
    global _work, _left
    workers = min(processes or os.cpu_count() or 1, len(items))
    if workers < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, items)
        return
    gc.freeze()  # what is there is shared: a search for cycles would copy it into each process
    context = multiprocessing.get_context("fork")
    _work, _left = work, (left := context.RawValue("b", 0))
    try:
        with context.Pool(workers, _begin, (os.getpid(),)) as pool:
            try:
                yield from pool.imap(_done, items, chunk)
            finally:
                left.value = 1
                pool.close()
                pool.join()
    finally:
        if _left is left:  # whoever left early may be let go only after other work has begun
            _work = _left = None


def _begin(parent: int) -> None:
    """Begin a process of a command, which ends with the command: signals to all of its processes are for the command to follow."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _done(item: Any) -> Any:
    assert _work is not None
    return None if _left.value else _work(item)
