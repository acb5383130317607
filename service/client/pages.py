"""
The lists of the service, page by page.

A list takes the parameters `limit` and `cursor`. Its answer has the items, and `next`: the cursor of the next page, null on the last.
This is the only place that knows it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from .attempts import Call, Came
from .errors import Malformed
from .shapes import member

Item = TypeVar("Item")
Filter = str | int | bool | Sequence[str]


class Pages(Generic[Item]):
    """
    The pages of one list. While there are `more`, make the call of the next page.

    `name` is the member of the answer that has the items, `shape` the dataclass of an item.
    """

    def __init__(self, path: str, name: str, shape: type[Item], filters: Mapping[str, Filter] | None = None) -> None:
        self._path, self._name, self._shape = path, name, shape
        self._filters = dict(filters or {})
        self._cursor: str | None = None
        self._seen: set[str] = set()
        self.more = True

    def call(self) -> Call[tuple[Item, ...]]:
        """The call of the next page. A page may be short, or empty, and still not be the last."""
        filters = self._filters if self._cursor is None else {**self._filters, "cursor": self._cursor}
        return Call("GET", self._path + query(filters), self._read)

    def _read(self, came: Came) -> tuple[Item, ...]:
        document = came.document()
        items: tuple[Item, ...] = member(document, self._name, tuple[self._shape, ...])  # type: ignore[name-defined]
        self._cursor = member(document, "next", str | None)
        if self._cursor in self._seen:
            raise Malformed("the pages of the answer have no end")
        self.more = self._cursor is not None
        if self._cursor is not None:
            self._seen.add(self._cursor)
        return items


def query(filters: Mapping[str, Any]) -> str:
    """The query of an address. A sequence is sent as a parameter for each of its values."""
    sought = [
        (name, str(each).lower() if isinstance(each, bool) else str(each))
        for name, value in filters.items()
        for each in ([value] if isinstance(value, str | int) else value)
    ]
    return f"?{urlencode(sought)}" if sought else ""
