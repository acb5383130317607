"""
Parts of a table, divided among processes: numbers of parts and what decides one go in, and what they decided is on the disk.

A process that fails, or is killed, leaves its parts as they are: whoever called decides what is not done, and meets there what failed.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence

PAUSE = 0.05  # seconds between two looks whether a process has ended


def in_children(work: Callable[[int], None], numbers: Sequence[int], processes: int, waiting: Callable[[], None]) -> None:
    """
    Do the work of some numbers in processes of their own, and wait for all of them. Where the machine cannot fork, nothing is done.

    `waiting` is called meanwhile; where it raises, the processes are ended.
    """
    if not hasattr(os, "fork"):
        return
    parent = os.getpid()
    children: list[int] = []
    try:
        for first in range(min(processes, len(numbers))):
            child = os.fork()
            if not child:
                _work_and_end(work, numbers[first::processes], parent)
            children.append(child)
        for child in children:
            while os.waitpid(child, os.WNOHANG) == (0, 0):
                time.sleep(PAUSE)
                waiting()
    except BaseException:
        for child in children:
            os.kill(child, signal.SIGKILL)
        raise


def _work_and_end(work: Callable[[int], None], numbers: Sequence[int], parent: int) -> None:
    """Work as long as the parent is there, and end without its ways of ending."""
    status = 1
    try:
        for number in numbers:
            if os.getppid() == parent:
                work(number)
        status = 0
    finally:
        os._exit(status)
