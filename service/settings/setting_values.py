"""
What one setting may hold: a text of the operator goes in, and the value comes out, or a ValueError that says what would be right.

What several settings must be together is in `settings`.
"""

import ipaddress
import os
import re
from collections.abc import Iterable
from datetime import UTC, date, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

from service.store.database import file_of

_SCOPES = ("evaluate", "commit", "read", "review", "administer")  # those of service.callers.caller, which stands above
_OAUTH_SCOPE = re.compile(r"[!#-\[\]-~]{1,100}")
_ISSUER = re.compile(r"https?://[!-~]{1,500}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAME = re.compile(r"[a-z0-9.-]{1,255}|[0-9a-f:.]{2,45}")


def time_zone(name: str) -> tzinfo:
    """The zone of this name. UTC works without a table of zones on the machine."""
    return UTC if name == "UTC" else ZoneInfo(name)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: 127.0.0.0/8, ::1 or `localhost`."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback and (address.version == 4 or address == ipaddress.IPv6Address("::1"))


def names_in(hosts: str) -> list[str]:
    """The names of hosts in a text, separated by commas."""
    return [name.strip().strip("[]").lower() for name in hosts.split(",") if name.strip()]


def scopes_of_roles(text: str) -> dict[str, frozenset[str]]:
    """The scopes that each role gives, by a text like `desk=read review; platform=administer`. Raises ValueError."""
    found: dict[str, frozenset[str]] = {}
    for each in filter(None, map(str.strip, text.split(";"))):
        role, equals, scopes = each.rpartition("=")
        role, given = role.strip(), frozenset(scopes.split())
        if not equals or not role or not role.isprintable() or not given or role in found:
            raise ValueError("give each role once, with its scopes, like `desk=read review; platform=administer`")
        if unknown := sorted(given - set(_SCOPES)):
            raise ValueError(f"there is no scope `{unknown[0]}`; use some of {', '.join(_SCOPES)}")
        found[role] = given
    return found


def _paths(paths: Any) -> Any:
    if isinstance(paths, Path):
        return (paths,)
    return tuple(filter(None, paths.split(os.pathsep))) if isinstance(paths, str) else paths


def _bundle_paths(paths: Any) -> Any:
    given = _paths(paths)
    return [_bundle_path(each) for each in given] if isinstance(given, Iterable) else given


def _bundle_path(path: Any) -> Any:
    if path != "bundled":
        return path
    from engine import policies_at  # imported here, since it takes a second that most commands do not need

    return policies_at(path)


def _policies(policies: tuple[Path, ...]) -> tuple[Path, ...]:
    # An empty value is probably a mistake, so it must not select the bundled policies.
    if not policies:
        raise ValueError("name a folder or a bundle file, or leave it unset")
    return policies


def _key_files(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    # An empty value is probably a mistake, so it must not let unsigned policies in.
    if not paths:
        raise ValueError("name a file with a public key, or leave it unset: then policies need no signature")
    return paths


def _first_day(since: Any) -> Any:
    # A number would be read as a moment: 0 as 1970, since when hardly anybody committed everything.
    if isinstance(since, str) and since != "never" and not _DAY.fullmatch(since):
        raise ValueError("give a day like 2026-01-31, or `never`")
    if not isinstance(since, str) and type(since) is not date:
        raise ValueError("give a day like 2026-01-31, or `never`")
    return since


def _database_address(database: str) -> str:
    file = file_of(database)
    if "\x00" in database or (file is not None and not file.name):
        raise ValueError("name a file, or a server like postgresql://user@host/name")
    return database


def _address(host: str) -> str:
    if host.lower() != "localhost":
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise ValueError("give an address, such as 127.0.0.1, ::1 or 0.0.0.0") from None
    return host


def _public_url(url: str) -> str:
    if not url:
        return url
    try:
        parts = urlsplit(url)
        sound = parts.port is None or parts.port > 0
    except ValueError:
        sound = False
    if not sound or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc or url.endswith(("/", "?", "#")):
        raise ValueError("it must be like https://pdp.example.com, without a query and without a slash at the end")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("it must begin with https://; http:// is for this machine's own addresses only")
    return url


def _host_names(hosts: str) -> str:
    if not all(map(_NAME.fullmatch, names_in(hosts))):
        raise ValueError("give names as in a Host header, without a port, separated by commas")
    return hosts


def _safe_url(url: str) -> str:
    if url:
        parts = urlsplit(url)
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
            raise ValueError("give an https:// address; http:// is for this machine's own addresses only")
    return url


def _issuer_url(url: str) -> str:
    parts = urlsplit(_safe_url(url))
    if url and ("@" in parts.netloc or "?" in url or "#" in url or not _ISSUER.fullmatch(url)):
        raise ValueError("give the address of the issuer as its documents have it, without a user, a query and a fragment")
    return url


def _oauth_scopes(scopes: str) -> str:
    if not all(_OAUTH_SCOPE.fullmatch(each) for each in scopes.split()) or "openid" not in scopes.split():
        raise ValueError("give scopes separated by spaces, with `openid` among them")
    return scopes


def _role_scopes(roles: str) -> str:
    scopes_of_roles(roles)
    return roles


def _webhook_addresses(addresses: tuple[str, ...]) -> tuple[str, ...]:
    for address in addresses:
        try:
            parts = urlsplit(address)
            sound = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            sound = False
        if not sound or "@" in parts.netloc or "#" in address or not address.isascii() or not address.isprintable():
            raise ValueError("give https:// addresses without a user and without a fragment")
    return tuple(dict.fromkeys(addresses))


def _zone_name(zone: str) -> str:
    try:
        time_zone(zone)
    except (LookupError, ValueError, OSError):
        raise ValueError("it must name a time zone, such as UTC or Asia/Shanghai") from None
    return zone


Paths = Annotated[tuple[Path, ...], BeforeValidator(_paths)]
KeyFiles = Annotated[Paths, AfterValidator(_key_files)]
FirstDay = Annotated[date | Literal["never"], BeforeValidator(_first_day)]
BundlePaths = Annotated[tuple[Path, ...], BeforeValidator(_bundle_paths)]
Policies = Annotated[BundlePaths, AfterValidator(_policies)]
DatabaseAddress = Annotated[
    str, BeforeValidator(lambda given: str(given) if isinstance(given, Path) else given), AfterValidator(_database_address)
]
Address = Annotated[str, AfterValidator(_address)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
HostNames = Annotated[str, AfterValidator(_host_names)]
SafeUrl = Annotated[str, AfterValidator(_safe_url)]
IssuerUrl = Annotated[str, AfterValidator(_issuer_url)]
OAuthScopes = Annotated[str, AfterValidator(_oauth_scopes)]
RoleScopes = Annotated[str, AfterValidator(_role_scopes)]
WebhookAddresses = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda given: tuple(given.split()) if isinstance(given, str) else given),
    AfterValidator(_webhook_addresses),
]
ZoneName = Annotated[str, AfterValidator(_zone_name)]
