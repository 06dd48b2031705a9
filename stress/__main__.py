"""`python -m stress`: the same as `python -m emulator stress`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    from emulator.cli.main import run

    return run(["stress", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
