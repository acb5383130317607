"""
A process that sets one report: JSON from standard input, a PDF to standard output. It is run by its path, and imports nothing of ours.

The library is native code that lays out what others wrote, so it works in a process of its own, with a bound on its memory and its time.
A sentence on standard error and the status 1 say that it failed.
"""

import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

MEMORY = 3 << 30  # bytes of address space; a report of two thousand rows takes a tenth
SECONDS = 50  # of a processor
HERE = Path(__file__).parent


def main() -> int:
    """Set the report on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import typst

    moment, _, report = sys.stdin.buffer.read().partition(b"\n")
    try:
        made = typst.compile(  # type: ignore[misc]
            HERE / "report.typ",
            sys_inputs={"report": report.decode()},
            font_paths=[str(HERE / "fonts")],
            ignore_system_fonts=True,
            pdf_standards=["ua-1"],
            timestamp=datetime.fromtimestamp(int(moment), UTC),
        )
    except typst.TypstError as failed:
        print(failed.message, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
