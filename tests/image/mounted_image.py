"""An image's files, mounted by Buildah, and a command in them as a container would run it, with nothing to write to."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def buildah(*arguments: str) -> str:
    """What a command of Buildah prints."""
    return subprocess.run(["buildah", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@dataclass(frozen=True, slots=True)
class MountedImage:
    """The files of an image below `root`, and `config`, what it says of how it is run."""

    root: Path
    config: Mapping[str, Any]

    def command(self, data: Path, arguments: Sequence[str], **more: str) -> list[str]:
        """
        A command that runs arguments as the image's user, with its variables and those given here.

        Nothing of the image can be written. `/data` is a folder, `/tmp` is empty and in memory, and the network is that of this machine.
        """
        user, group = self.config["User"].split(":")
        variables = dict(each.split("=", 1) for each in self.config["Env"]) | more
        return [
            *(
                "bwrap",
                "--unshare-user",
                "--unshare-pid",
                "--unshare-ipc",
                "--unshare-uts",
                "--unshare-cgroup",
                "--die-with-parent",
            ),
            *("--ro-bind", str(self.root), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
            *("--bind", str(data), "/data", "--uid", user, "--gid", group, "--cap-drop", "ALL"),
            *("--clearenv", "--chdir", self.config["WorkingDir"]),
            *(part for name, value in variables.items() for part in ("--setenv", name, value)),
            *("--", *arguments),
        ]


@contextmanager
def mounted(image: str) -> Iterator[MountedImage]:
    """An image, mounted until the end."""
    container = buildah("from", "--pull=never", image)
    try:
        described = json.loads(buildah("inspect", "--type", "image", image))
        yield MountedImage(Path(buildah("mount", container)), described["Docker"]["config"])
    finally:
        buildah("rm", container)
