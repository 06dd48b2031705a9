"""Start the command again under sudo, with the same interpreter, when it needs root."""

from __future__ import annotations

import os
import shutil
import sys

from emulator.errors import UnableError

_KEPT = ("EMULATOR_STATE_DIR", "EMULATOR_DEBUG", "PYTHONPATH", "NO_COLOR", "VIRTUAL_ENV")


def ensure_root() -> None:
    """Return when this process is root; else replace it by itself under sudo.

    sudo drops most of the environment: what we read is handed over by env(1). UnableError when there
    is no sudo.
    """
    if os.geteuid() == 0:
        return
    sudo = shutil.which("sudo")
    if sudo is None:
        raise UnableError("this needs root, and there is no sudo here; run it as root")
    kept = [f"{key}={os.environ[key]}" for key in _KEPT if key in os.environ]
    own = ["-P"] if sys.flags.safe_path else []  # a folder called `emulator` here is not the program
    argv = [sudo, "--", "env", *kept, sys.executable, *own, "-m", "emulator", *sys.argv[1:]]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sudo, argv)  # noqa: S606 -- our own command line again, no shell
