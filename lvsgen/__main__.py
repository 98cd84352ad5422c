"""The program. `--version` is answered before anything else is imported: commit hooks ask for it."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Run with the arguments and streams of this process; returns the exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"] and _version():
        return 0
    gc.disable()  # a run is short, and makes millions of objects that live to its end
    from lvsgen.cli.app import run_process

    return run_process(arguments)


def _version() -> bool:
    """Print the version; false if that fails, for those who can say so."""
    from lvsgen import __version__

    try:
        sys.stdout.write(f"lvsgen {__version__}\n")
        sys.stdout.flush()
    except (OSError, AttributeError):  # a stream that was closed before the start is None
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
