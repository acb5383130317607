# Made from `asynchronous/register.py`: change that file, then run RECORD=1 pytest tests/service/test_synchronous_client.py
"""
The register: parties, data assets and entities of other kinds.

A `version` is that of the entity on which a write is based, 0 for one that is not there yet. If it is another by now, the service refuses.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ..calls import based_on, call
from ..pages import Pages
from .connection import Connection


class Register(Connection):
    """The methods about the register."""

    def put_party(self, id: str, party: Mapping[str, Any], *, version: int | None = None) -> dict[str, Any]:
        """Write a party of the register. `party` replaces everything stated before."""
        return self._call(call(dict, "PUT", "parties", id, sent=party, headers=based_on(version)))

    def party(self, id: str, *, as_of: date | None = None) -> dict[str, Any]:
        """Read a party of the register: the newest version, or that of a day."""
        return self._call(call(dict, "GET", "parties", id, query={"as_of": as_of}))

    def delete_party(self, id: str, *, version: int | None = None, erase: bool = False) -> dict[str, Any]:
        """Withdraw a party of the register; `erase`: for good, with all that was stated of it."""
        path = ("parties", id)
        return self._call(call(dict, "DELETE", *path, query={"erase": erase}, headers=based_on(version)))

    def parties(self, *, as_of: date | None = None) -> Iterator[dict[str, Any]]:
        """Every party of the register, by its id."""
        return self._each(Pages(dict, "entities", "parties", query={"as_of": as_of}))

    def party_history(self, id: str) -> Iterator[dict[str, Any]]:
        """The versions of a party, newest first."""
        return self._each(Pages(dict, "versions", "parties", id, "history"))

    def put_asset(self, id: str, asset: Mapping[str, Any], *, version: int | None = None) -> dict[str, Any]:
        """Write a data asset of the register. `asset` replaces everything stated before."""
        return self._call(call(dict, "PUT", "assets", id, sent=asset, headers=based_on(version)))

    def asset(self, id: str, *, as_of: date | None = None) -> dict[str, Any]:
        """Read a data asset of the register: the newest version, or that of a day."""
        return self._call(call(dict, "GET", "assets", id, query={"as_of": as_of}))

    def delete_asset(self, id: str, *, version: int | None = None, erase: bool = False) -> dict[str, Any]:
        """Withdraw a data asset of the register; `erase`: for good, with all that was stated of it."""
        path = ("assets", id)
        return self._call(call(dict, "DELETE", *path, query={"erase": erase}, headers=based_on(version)))

    def assets(self, *, as_of: date | None = None) -> Iterator[dict[str, Any]]:
        """Every data asset of the register, by its id."""
        return self._each(Pages(dict, "entities", "assets", query={"as_of": as_of}))

    def assets_like(self, id: str) -> Iterator[dict[str, Any]]:
        """The other data assets that may be the same: `alike` says whether by their `hash`, or by holder and `title`."""
        return self._each(Pages(dict, "entities", "assets", query={"like": id}))

    def asset_history(self, id: str) -> Iterator[dict[str, Any]]:
        """The versions of a data asset, newest first."""
        return self._each(Pages(dict, "versions", "assets", id, "history"))

    def put_entity(self, kind: str, id: str, entity: Mapping[str, Any], *, version: int | None = None) -> dict[str, Any]:
        """Write an entity of another kind, like `authorisation`. `entity` replaces everything stated before."""
        return self._call(call(dict, "PUT", "entities", kind, id, sent=entity, headers=based_on(version)))

    def entity(self, kind: str, id: str, *, as_of: date | None = None) -> dict[str, Any]:
        """Read an entity of another kind, like `authorisation`: the newest version, or that of a day."""
        return self._call(call(dict, "GET", "entities", kind, id, query={"as_of": as_of}))

    def delete_entity(self, kind: str, id: str, *, version: int | None = None, erase: bool = False) -> dict[str, Any]:
        """Withdraw an entity of another kind; `erase`: for good, with all that was stated of it."""
        path = ("entities", kind, id)
        return self._call(call(dict, "DELETE", *path, query={"erase": erase}, headers=based_on(version)))

    def entities(self, kind: str, *, as_of: date | None = None) -> Iterator[dict[str, Any]]:
        """Every entity of another kind, by its id."""
        return self._each(Pages(dict, "entities", "entities", kind, query={"as_of": as_of}))

    def entity_history(self, kind: str, id: str) -> Iterator[dict[str, Any]]:
        """The versions of an entity of another kind, newest first."""
        return self._each(Pages(dict, "versions", "entities", kind, id, "history"))
