"""
Finds bundles by a name: folders as they lie, a git revision or the digest of a bundle.

Policies may lie in several folders, named in one text like in the environment. A revision or a digest then means all of them together. Of
a revision the committed bytes are read, by git's plumbing commands, without a shell, a checkout or a filter.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath, PurePosixPath

import engine
from service.cli.command import UsedWrongly
from service.cli.files import load
from service.cli.output import count
from service.policies import kept_bundles, loading
from service.store.upgrade import reading

POLICY_SUFFIXES = (".yaml", ".yml")
DIGEST = re.compile(r"[0-9a-f]{8,64}")
MAX_COMMITS = 200  # the search for a digest goes no further back
MAX_FINDINGS = 5
GIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Side:
    """A bundle that was found, and the label that the report gives it."""

    label: str
    bundle: engine.Bundle


class _GitRefused(Exception):
    """Git ended with an error; the message is its first line."""


class _Hidden(UsedWrongly):
    """Two places of a commit would have one name in the bundle, and one would hide the other."""


class Finder:
    """Finds bundles by folders, a git revision or a digest."""

    def __init__(
        self, old: str, new: str, policies: Sequence[Path], progress: Callable[[str], None], log: str | None = None
    ) -> None:
        for each in policies:
            if not each.exists():
                raise UsedWrongly(f"there is no file or folder {each}")
        self.progress = progress
        self.log = log
        # The places of the policies, and their repository: as given, else the first of these folders that is in a repository.
        folders = [there for text in (new, old, "policies") if (there := _as_they_lie(text))]
        self.places = [tuple(policies)] if policies else [*folders, (engine.bundled_policies(),)]
        around = [(places, _Repository.around_all(places)) for places in self.places]
        self.within, self.repository = next((each for each in around if each[1]), around[0])
        # The repository of REVISION:path, which names the place itself.
        self.named = (None if policies or folders else _Repository.around(Path())) or self.repository

    def side(self, text: str, *, earlier: bool = False) -> Side:
        """The bundle that `text` names; with `earlier` it may be one of earlier semantics."""
        if text.startswith("-"):
            raise UsedWrongly(f"`{text}` begins with `-`, so it is not a revision; for a folder of that name write `./{text}`")
        if there := _as_they_lie(text):
            return Side(text, _loaded(text, partial(load, there, earlier=earlier)))
        repository = self.repository
        commit = repository.commit(text) if repository else None
        if repository and commit:
            return self.committed(text, repository, commit, repository.all_inside(self.within), earlier)
        # Last, because a revision may itself contain a colon.
        revision, colon, path = text.partition(":")
        commit = self.named.commit(revision) if self.named and colon else None
        if self.named and commit:
            return self.committed(text, self.named, commit, (self.named.path(path),), earlier)
        if DIGEST.fullmatch(text.lower()):
            return self.by_digest(text.lower(), repository, earlier)
        outside = "is not in a git repository" if len(self.within) == 1 else "are not in one git repository"
        where = f"a git revision of {repository.root}" if repository else f"a git revision ({_listed(self.within)} {outside})"
        raise UsedWrongly(f"`{text}` is not a folder, not {where}, and not a digest of at least 8 hexadecimal digits")

    def committed(
        self, text: str, repository: "_Repository", commit: str, places: Sequence[PurePosixPath], earlier: bool
    ) -> Side:
        """The bundle of the policies at some places in a commit."""
        label = f"{text} ({commit[:10]})"
        return Side(label, _loaded(label, partial(repository.bundle, repository.policies(commit, places), earlier)))

    def by_digest(self, digest: str, repository: "_Repository | None", earlier: bool) -> Side:
        """
        The bundle whose meaning or source has the digest.

        It is looked for among the bundles that a log keeps, then in the policies on the disk, then back through their history.
        """
        looked = []
        if self.log:
            looked.append("the log")
            if bundle := _kept(self.log, digest):
                return Side(f"{digest[:12]} (kept in the log)", bundle)
        for folders in dict.fromkeys(tuple(place.resolve() for place in places) for places in self.places):
            looked.append(_listed(folders))
            bundle = _sound(partial(load, folders, earlier=earlier))
            if bundle and _has(bundle, digest):
                return Side(f"{digest[:12]} ({', '.join(folder.name for folder in folders)})", bundle)
        if repository:
            places = repository.all_inside(self.within)
            seen: set[tuple[tuple[str, str], ...]] = set()
            unsound = 0
            commits = repository.history(places)
            for number, commit in enumerate(commits, 1):
                self.progress(f"looking for {digest[:12]}: {number:,} of {len(commits):,} commits")
                try:
                    listing = repository.listing(commit, places)
                except _Hidden:
                    unsound += 1
                    continue
                if tuple(listing.items()) in seen:
                    continue
                seen.add(tuple(listing.items()))
                bundle = _sound(partial(repository.bundle, listing, earlier))
                unsound += bundle is None
                if bundle and _has(bundle, digest):
                    self.progress("")
                    return Side(f"{digest[:12]} ({commit[:10]})", bundle)
            self.progress("")
            passed = f" ({unsound:,} of them are not sound for this version)" if unsound else ""
            looked.append(
                f"the last {count(len(commits), 'commit')} that touch `{_listed(places)}` in {repository.root}{passed}"
            )
        raise UsedWrongly(
            f"no policies with the digest `{digest}` are in {' or '.join(looked)}; name a folder or a git revision"
        )


def _as_they_lie(text: str) -> tuple[Path, ...]:
    """The folders and files that a text names, separated as in the environment; none where it names anything else."""
    for parts in ([text], text.split(os.pathsep)):
        if all(map(_exists, parts)):
            return tuple(map(engine.policies_at, parts))
    return ()


def _exists(text: str) -> bool:
    try:
        return bool(text) and not text.startswith("-") and engine.policies_at(text).exists()
    except OSError:  # the text is too long for a file name
        return False


def _kept(log: str, digest: str) -> engine.Bundle | None:
    """The bundle of a digest that a log keeps, or None where it keeps none."""
    try:
        with reading(log) as connection:
            found, _ = kept_bundles.archive_of(connection, digest)
            return kept_bundles.load_kept(connection, found.source, found.meaning)
    except kept_bundles.NotKept:
        return None


def _has(bundle: engine.Bundle, digest: str) -> bool:
    return bundle.digests.meaning.startswith(digest) or bundle.digests.source.startswith(digest)


def _sound(load: Callable[[], engine.Bundle]) -> engine.Bundle | None:
    """A bundle, or None where this version refuses it."""
    try:
        return load()
    except (engine.BundleRefused, loading.SourceRefused):
        return None


def _listed(places: Sequence[PurePath]) -> str:
    return " and ".join(map(str, places))


def _loaded(label: str, load: Callable[[], engine.Bundle]) -> engine.Bundle:
    try:
        return load()
    except engine.BundleRefused as refused:
        texts = {name: data.decode("utf-8", "replace") for name, data in refused.sources.items()}
        findings = [finding.render(texts) for finding in refused.diagnostics]
        more = f"\n\n… and {count(len(findings) - MAX_FINDINGS, 'more finding')}" if len(findings) > MAX_FINDINGS else ""
        shown = "\n\n".join(findings[:MAX_FINDINGS])
        raise UsedWrongly(f"{shown}{more}\n\nthe policies of `{label}` are not sound, so they cannot be compared") from None


@dataclass(frozen=True, slots=True)
class _Repository:
    """A git repository, read by plumbing commands: no hook, filter, pager or shell runs."""

    root: Path

    @classmethod
    def around(cls, place: Path) -> "_Repository | None":
        """The repository that a file or folder is in, or None."""
        folder = place if place.is_dir() else place.parent
        try:
            found = _git(folder.resolve(), "rev-parse", "--show-toplevel")
        except _GitRefused as refused:
            if "dubious ownership" in str(refused):
                raise UsedWrongly(f"git refuses to read the repository of {place}: {refused}") from None
            return None
        return cls(Path(os.fsdecode(found).removesuffix("\n")))

    @classmethod
    def around_all(cls, places: Sequence[Path]) -> "_Repository | None":
        """The one repository that all of some files and folders are in, or None."""
        first, *others = dict.fromkeys(cls.around(place) for place in places)
        return None if others else first

    def commit(self, revision: str) -> str | None:
        """The hash of the commit that a revision names, or None."""
        if not revision or revision.startswith("-"):
            return None
        try:
            # In two steps, because everything behind `:/words` would be taken for a part of the words.
            named = _git(self.root, "rev-parse", "--verify", "--quiet", revision).decode().strip()
            return _git(self.root, "rev-parse", "--verify", "--quiet", f"{named}^{{commit}}").decode().strip()
        except _GitRefused:
            return None

    def inside(self, place: Path) -> PurePosixPath:
        """The path of a file or folder within the repository."""
        whole = place.resolve() if place.is_dir() else place.parent.resolve() / place.name
        return PurePosixPath(whole.relative_to(self.root.resolve()).as_posix())

    def all_inside(self, places: Sequence[Path]) -> tuple[PurePosixPath, ...]:
        """The paths of files and folders within the repository."""
        return tuple(map(self.inside, places))

    def path(self, written: str) -> PurePosixPath:
        """The path of `REVISION:path`, as git reads it: from the root, or from the current folder after `./` or `../`."""
        from_here = written.startswith(("./", "../")) or written in (".", "..")
        whole = Path(os.path.normpath((Path.cwd() if from_here else self.root.resolve()) / written))
        if not whole.is_relative_to(self.root.resolve()):
            raise UsedWrongly(f"`{written}` is outside the repository {self.root}")
        return PurePosixPath(whole.relative_to(self.root.resolve()).as_posix())

    def history(self, places: Sequence[PurePosixPath]) -> list[str]:
        """The latest commits that touch any of some places, on any branch."""
        try:
            found = _git(self.root, "rev-list", "--all", f"--max-count={MAX_COMMITS}", "--", *map(str, places))
        except _GitRefused as refused:
            raise UsedWrongly(f"git cannot list the history of `{_listed(places)}` in {self.root}: {refused}") from None
        return found.decode().split()

    def policies(self, commit: str, places: Sequence[PurePosixPath]) -> dict[str, str]:
        """The listing of some places in a commit. Raises UsedWrongly where it is empty."""
        listing = self.listing(commit, places)
        if not listing:
            raise UsedWrongly(
                f"there are no policies under `{_listed(places)}` in {commit[:10]} of {self.root};"
                " name their place with REVISION:path or `--policies`"
            )
        return listing

    def listing(self, commit: str, places: Sequence[PurePosixPath]) -> dict[str, str]:
        """The hashes of the YAML files at some places in a commit, by the names that they have in a bundle. Raises _Hidden."""
        found: dict[str, str] = {}
        folders: dict[str, PurePosixPath] = {}
        # A file that lies in several of the places belongs to the first of them.
        listed = {path: (name, hash_, place) for place in reversed(places) for name, path, hash_ in self._files(commit, place)}
        for name, hash_, place in listed.values():
            folder = name.partition("/")[0]
            if folders.setdefault(folder, place) != place:
                raise _Hidden(
                    f"`{folders[folder]}` and `{place}` in {commit[:10]} would both be `{folder}` in the bundle, and one would hide"
                    " the other; compare the folders one after the other"
                )
            found[name] = hash_
        return found

    def _files(self, commit: str, place: PurePosixPath) -> Iterator[tuple[str, PurePosixPath, str]]:
        try:
            lines = _git(self.root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *([str(place)] if place.parts else []))
        except _GitRefused as refused:
            raise UsedWrongly(f"git cannot read {commit[:10]} of {self.root}: {refused}") from None
        for line in filter(None, lines.split(b"\0")):
            about, _, name = line.partition(b"\t")
            mode, kind, hash_ = about.decode().split()
            path = PurePosixPath(os.fsdecode(name))
            if kind == "commit" or (mode == "120000" and path.suffix in POLICY_SUFFIXES):
                what = "a submodule" if kind == "commit" else "a symbolic link"
                raise UsedWrongly(f"`{path}` in {commit[:10]} is {what}, which is not followed; compare a folder instead")
            if path.suffix in POLICY_SUFFIXES:
                base = self.root.name if not place.parts else place.name
                yield (base / path.relative_to(place)).as_posix(), path, hash_

    def bundle(self, listing: dict[str, str], earlier: bool) -> engine.Bundle:
        """The bundle of the files in a listing; with `earlier` it may be one of earlier semantics. Raises BundleRefused."""
        files = self.read(listing)
        return engine.load_sources(files, semantics=1, replay=True) if earlier else engine.load_sources(files)

    def read(self, listing: dict[str, str]) -> dict[str, bytes]:
        """The bytes of the files in a listing, by name."""
        asked = "".join(f"{hash_}\n" for hash_ in listing.values()).encode()
        try:
            told = _git(self.root, "cat-file", "--batch", given=asked)
        except _GitRefused as refused:
            raise UsedWrongly(f"git cannot read files of {self.root}: {refused}") from None
        found, at = {}, 0
        for name in listing:
            end = told.index(b"\n", at)
            hash_, _, about = told[at:end].partition(b" ")
            kind, _, size = about.partition(b" ")
            if kind != b"blob":
                raise UsedWrongly(f"git has no bytes for `{name}` ({hash_.decode()}) in {self.root}")
            found[name] = told[end + 1 : end + 1 + int(size)]
            at = end + 1 + int(size) + 1
        return found


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """The output of a git command. Raises _GitRefused."""
    # The folder names the repository. Inside a hook the environment names another one, which must not count.
    environment = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
    try:
        done = subprocess.run(
            ["git", "--literal-pathspecs", "--no-optional-locks", "-C", str(folder), *arguments],
            input=given,
            capture_output=True,
            env={**environment, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            timeout=GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise _GitRefused("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise UsedWrongly(f"git took more than {GIT_SECONDS} seconds in {folder}") from None
    if done.returncode:
        raise _GitRefused(next(iter(done.stderr.decode("utf-8", "replace").splitlines()), f"exit code {done.returncode}"))
    return done.stdout
