"""
The lists of the service, page by page.

A list takes the parameters `limit` and `cursor`. Its answer has the items, and `next`: the cursor of the next page, null on the last.
This is the only place that knows it.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from .attempts import Call, Came
from .calls import agreeing, as_json, at
from .errors import Malformed
from .shapes import member

Item = TypeVar("Item")


class Pages(Generic[Item]):
    """
    The pages of one list at `/v1/…`. While there are `more`, make the call of the next page.

    `name` is the member of the answer that has the items, `shape` the dataclass of an item, and `same` what each must say. A list that is
    `sent` something is asked for by POST. More than `most` pages are Malformed.
    """

    def __init__(
        self,
        shape: type[Item],
        name: str,
        *path: str,
        query: Mapping[str, Any] | None = None,
        sent: Mapping[str, Any] | None = None,
        same: Mapping[str, Any] | None = None,
        most: int | None = None,
    ) -> None:
        self.shape, self.name = shape, name
        self._path, self._query, self._same = path, dict(query or {}), dict(same or {})
        self._body = None if sent is None else as_json(sent)
        self._seen: set[str] = set()
        self._most = most
        self.more = True

    def call(self) -> Call[tuple[Item, ...]]:
        """The call of the next page. A page may be short, or empty, and still not be the last."""
        return Call("GET" if self._body is None else "POST", at(*self._path, query=self._query), self._read, self._body)

    def _read(self, came: Came) -> tuple[Item, ...]:
        document = came.document()
        items: tuple[Item, ...] = member(document, self.name, tuple[self.shape, ...])  # type: ignore[name-defined]
        cursor = member(document, "next", str | None)
        if cursor in self._seen or len(self._seen) == self._most:
            raise Malformed("the pages of the answer have no end")
        self.more = cursor is not None
        if cursor is not None:
            self._query["cursor"] = cursor
            self._seen.add(cursor)
        return tuple(agreeing(each, self._same) for each in items)
