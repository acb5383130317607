"""A checkout in which lies what must never go into an image: a file of each kind, at each place where it is made or put."""

from __future__ import annotations

import subprocess
from pathlib import Path

KINDS = {
    "databases": ("fifthfactor.db", "fifthfactor.db-wal", "fifthfactor.db-shm", "copy.sqlite3", "backup.db.gz", "story.db"),
    "keys": (
        "fifthfactor.db.log-key", "fifthfactor.db.log-key.checkpoint", "fifthfactor.log-key", "fifthfactor.log-key.checkpoint",
        "signing.pem", "tls.key", "store.p12", "id_ed25519",
    ),
    "secrets": (
        ".env", ".env.production", ".pgpass", "secrets/database", "database-password", "client-secret.txt", "webhook-secret",
        "secrets.yaml", "credentials.json", "settings.toml", "token", "token.json", "refresh-token.txt", "api-key.txt", "apikey.json",
        "service-account.json", "htpasswd", "kubeconfig.yaml", "warehouse.secret", "sinks.yaml",
    ),
    "environments": (".venv/bin/python", "venv/bin/python", "env/bin/python", "node_modules/left/index.js", ".direnv/python/x"),
    "what was built": (
        "build/image/base.tar", "dist/fifthfactor-1-py3-none-any.whl", "__pycache__/old.cpython-311.pyc", "fifthfactor.egg-info/PKG-INFO",
        ".mypy_cache/x.json", "decided.parquet", "sboms.tar.gz",
    ),
    "histories": (".git/config", ".git/objects/aa/bb", ".gitmodules"),
}  # fmt: skip
FOLDERS = ("", "service/", "policies/", "engine/", "service/deploy/")
CANARIES = tuple(
    [folder + name for folder in FOLDERS for names in KINDS.values() for name in names]
    + ["tests/test_x.py", "settings.toml", "notes.txt"]
)


def listed_files(root: Path) -> list[str]:
    """The files of a checkout that are under version control, or about to be."""
    listing = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (root / name).is_file()]


def checkout_with_canaries(root: Path, folder: Path) -> Path:
    """A copy of the files under version control, or about to be, and beside them the canaries."""
    for name in listed_files(root):
        source, target = root / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"" if name.startswith("tests/") else source.read_bytes())
    for name in CANARIES:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("canary")
    return folder
