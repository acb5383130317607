"""
Pauses of long searches: between two evaluations of one search, other requests may use the engines.

One thread has the engines at a time. Others wait in the order in which they came, and a search lets them in between its evaluations, and
where it prepares or writes long lists. A program that divides its own work gives a function to `pausing`: it is called at each pause of its
thread, when that holds no engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock, get_ident, local
from typing import TypeVar

_PAUSE: ContextVar[Callable[[], None] | None] = ContextVar("pause", default=None)


Item = TypeVar("Item")


class _Here(local):
    """What this thread holds."""

    held: OneAtATime | None = None


_HERE = _Here()


@contextmanager
def pausing(pause: Callable[[], None]) -> Iterator[None]:
    """Until the end, `pause` is called at each pause of a search of this thread."""
    token = _PAUSE.set(pause)
    try:
        yield
    finally:
        _PAUSE.reset(token)


def pause() -> None:
    """Let others in: those who wait for the engines, and whoever the function of `pausing` waits for."""
    held, then = _HERE.held, _PAUSE.get()
    if held is not None:
        held.give_way(then)
    elif then is not None:
        then()


def paused(items: Iterable[Item], few: int = 1) -> Iterator[Item]:
    """The items of a long list, with a pause before every few of them: so many as take a fraction of a millisecond."""
    for number, each in enumerate(items):
        if not number % few:
            pause()
        yield each


class OneAtATime:
    """A lock that is fair, that its holder may take again, and that its holder may give to others and take back."""

    def __init__(self) -> None:
        self._inner = Lock()
        self._holder: int | None = None
        self._depth = 0
        self._waiting: deque[tuple[int, Lock]] = deque()

    def __enter__(self) -> None:
        if self._holder != get_ident():
            self._take()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._leave()

    def give_way(self, then: Callable[[], None] | None) -> None:
        """Its holder gives it to those who wait, calls a function while it has nothing, and takes it back."""
        if then is None and not self._waiting:
            return
        depth, self._depth = self._depth, 0
        self._leave()
        try:
            if then is not None:
                then()
        finally:
            self._take()
            self._depth = depth

    def _take(self) -> None:
        _HERE.held = self
        me = get_ident()
        with self._inner:
            if self._holder is None:
                self._holder = me
                return
            turn = Lock()
            turn.acquire()
            self._waiting.append((me, turn))
        turn.acquire()  # until whoever leaves hands over

    def _leave(self) -> None:
        _HERE.held = None
        with self._inner:
            if not self._waiting:
                self._holder = None
                return
            self._holder, turn = self._waiting.popleft()
        turn.release()
