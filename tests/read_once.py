"""
What a process of the tests reads once: the policies that come with the project, and their test exchanges. The same bytes, the same bundle.

Of small bundles those used last are kept, and so are the engines of a bundle.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import engine
from engine import SEMANTICS, PolicySettings, TrialExchange, bundle
from engine.authoring import difference
from engine.pdp import PDP
from engine.pdp.judging import Judging
from engine.policy_language import source_files, tree
from engine.policy_language.diagnostic import Findings
from engine.policy_language.source_files import SourceFile

FOLDER = "AGREEMENT_RUN"  # the variable that names the folder of a run of several workers
MANY = 300  # files, which only the bundled policies have
LOAD, READ, TRIALS, FILES = bundle.load_sources, tree.read, difference.trials, source_files.source_files
LOADED: dict[tuple[PolicySettings, frozenset[tuple[str, bytes]]], bundle.Bundle] = {}
FEW = 64  # bundles of few files that are kept, those used last
KEPT: dict[tuple[object, ...], bundle.Bundle] = {}
TREES: dict[tuple[str, bytes], tree.Node] = {}
TRIED: dict[tuple[int, str], list[TrialExchange]] = {}
FOUND: dict[frozenset[tuple[str, int, int]], list[SourceFile]] = {}
MAKE = PDP.__init__
MADE: dict[tuple[int, str], PDP] = {}
ON_DEMAND = ("lanes", "of_everyone")  # what a decision point makes when it is first wanted, and those for one bundle share
FIRST = "first of its bundle"


def begin() -> None:
    """From now on this process reads nothing twice, and makes the engines for what it read once."""
    bundle.load_sources = engine.load_sources = load_once
    source_files.source_files = engine.source_files = files_once
    vars(bundle)["source_files"] = files_once
    tree.read = read_once
    difference.trials = engine.trials = trials_once
    PDP.__init__ = make_once  # type: ignore[method-assign]
    for name in ON_DEMAND:
        demand_once(name)


def read_bundled() -> None:
    """Read what many tests need, and make the engines for it: a process that is copied then does it for its copies."""
    bundled = engine.load(engine.bundled_policies())
    engine.PDP(bundled).set_up()
    engine.trials(bundled, bundled)


def load_once(
    sources: dict[str, bytes],
    settings: PolicySettings | None = None,
    semantics: int = SEMANTICS,
    *,
    replay: bool = False,
    tests: bool = True,
    read: bundle.TreeReader | None = None,
) -> bundle.Bundle:
    """
    The bundle of some files, read once: the same bytes give the same bundle. Of small ones those used last are kept.
    Who brings a reader of trees has the bundle made.

    What has as many files as the bundled policies stays until the end, so it is not looked through for cycles either. The bundled
    policies name their version of the semantics.
    """
    if read is not None:
        return LOAD(sources, settings, semantics, replay=replay, tests=tests, read=read)
    if len(sources) < MANY:
        asked = (frozenset(sources.items()), tuple(sources), settings or PolicySettings(), semantics, replay, tests)
        found = KEPT.pop(asked, None) or LOAD(dict(sources), settings, semantics, replay=replay, tests=tests)
        KEPT[asked] = found
        if len(KEPT) > FEW:
            del KEPT[next(iter(KEPT))]
        return found
    key = (settings or PolicySettings(), frozenset(sources.items()))
    if key not in LOADED:
        LOADED[key] = LOAD(sources, settings)
        gc.freeze()
    return LOADED[key]


def files_once(paths: Iterable[Path]) -> Iterator[SourceFile]:
    """The files at some paths. Those of the bundled policies by themselves are read once, unless one was written since."""
    asked = list(paths)
    if asked != [engine.bundled_policies()]:
        return FILES(asked)
    state = frozenset(
        (str(file), status.st_mtime_ns, status.st_size)
        for folder, _, names in os.walk(asked[0])
        for file in map(Path(folder).joinpath, names)
        if (status := file.stat())
    )
    if state not in FOUND:
        FOUND.clear()
        FOUND[state] = list(FILES(asked))
    return iter(FOUND[state])


def read_once(file: str, data: bytes, findings: Findings) -> tree.Node | None:
    """The tree of a file. Those of the bundled policies are read once a process, beside whatever other file they are loaded."""
    known = TREES.get((file, data))
    if known is not None:
        return known
    root = READ(file, data, findings)
    if root is not None and file.startswith("policies/") and not findings.errors:
        TREES[file, data] = root
    return root


def trials_once(old: bundle.Bundle, new: bundle.Bundle, only: str = "") -> list[TrialExchange]:
    """The test exchanges of bundles; those of the bundled policies are made once a process."""
    if old is not new or not stays(old):
        return TRIALS(old, new, only)
    key = (id(old), only)
    if key not in TRIED:
        TRIED[key] = TRIALS(old, new, only)
    return list(TRIED[key])


def make_once(self: PDP, bundle: bundle.Bundle, mode: str = "checked") -> None:
    """Begin a decision point. Those for one bundle share the engines of one mode. Of bundles that do not stay, those used last."""
    key = (id(bundle), mode)
    made = MADE.pop(key, None)
    if made is None:
        made = object.__new__(PDP)
        MAKE(made, bundle, mode)
    MADE[key] = made  # and so the bundle, whose id no other one gets meanwhile
    if len(MADE) > FEW:
        passing = (other for other, each in MADE.items() if not stays(each.bundle))
        del MADE[next(passing)]
    self.__dict__.update({**made.__dict__, FIRST: made})


def demand_once(name: str) -> None:
    """Let a decision point take what it makes on demand from the first one for its bundle, which makes it."""
    make = vars(Judging)[name].func

    def taken(self: Judging) -> Any:
        first = vars(self).get(FIRST)
        return make(self) if first is None else getattr(first, name)

    shared: cached_property[Any] = cached_property(taken)
    shared.__set_name__(Judging, name)
    setattr(Judging, name, shared)


def stays(one: bundle.Bundle) -> bool:
    """Whether a bundle stays until the end of the process."""
    return any(one is each for each in LOADED.values())
