"""Start the command again under sudo, with the same interpreter, if it needs root.

The kernel needs root, and so does a state directory that root created. A dry run in a state directory of
one's own never needs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.cli.invocation import invocation
from emulator.errors import EmulationError, UnableError

if TYPE_CHECKING:
    from emulator.state import NetworkState

_KEPT = (
    "EMULATOR_STATE_DIR", "EMULATOR_CLUSTER_SCHEDULER", "EMULATOR_CLUSTER_CERTIFICATES", "EMULATOR_DEBUG",
    "NO_COLOR", "VIRTUAL_ENV",
)  # fmt: skip
_PYTHON = "PYTHON"
"""Prefixes of the variables that tell Python what to load and do (python(1)).

Not even a sudo that keeps the environment hands one of them on.
"""


def ensure_root_for(name: str | None, *, change: bool = False) -> list[str]:
    """Make sure that this process may read the network `name` (None: any), or `change` it.

    Returns the networks concerned: all existing ones, or `[name]`.
    """
    from emulator.state import NetworkState, names, state_root

    if os.geteuid() == 0:
        return names() if name is None else [name]
    mode = os.R_OK | os.X_OK | (os.W_OK if change else 0)
    targets: list[str] = []
    try:
        root = state_root()
        if not _is_closed(root, mode):
            targets = names(root) if name is None else [name]
            if not any(_needs_root(NetworkState(root, target), mode) for target in targets):
                return targets
    except PermissionError:  # something in the directory is root's
        pass
    ensure_root()
    return targets


def _is_closed(folder: Path, mode: int) -> bool:
    """Return whether `folder` exists and isn't accessible."""
    try:
        folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not os.access(folder, mode)


def _needs_root(state: NetworkState, mode: int) -> bool:
    """Return whether a network's folder is inaccessible, or its engine needs root or is unknown."""
    from emulator.engines.registry import engine_named

    if not state.exists:
        return False
    if _is_closed(state.folder, mode):
        return True
    try:
        return engine_named(state.read().engine).needs_root
    except EmulationError:
        return True


def ensure_root() -> None:
    """Return if this process is root; otherwise replace it by itself under sudo.

    sudo drops most of the environment, so env(1) passes on the variables that the emulator reads. Root
    imports only from where Python is installed: never from the current folder (-P) nor from PYTHONPATH.
    UnableError if there is no sudo, or if this program is only in these two places.
    """
    if os.geteuid() == 0:
        return
    sudo = shutil.which("sudo")
    if sudo is None:
        raise UnableError("this needs root, and sudo isn't installed; run it as root")
    _require_installed()
    kept = [f"{key}={os.environ[key]}" for key in _KEPT if key in os.environ]
    dropped = [word for key in sorted(os.environ) if key.startswith(_PYTHON) for word in ("-u", key)]
    argv = [sudo, "--", "env", *dropped, *kept, sys.executable, "-P", "-m", "emulator", *_arguments()]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sudo, argv)  # noqa: S606 -- our own command line again, no shell


def _arguments() -> Sequence[str]:
    """Return the arguments of this command line: `python -m stress` adds one to what was typed."""
    going_on = invocation()
    return going_on.argv if going_on else sys.argv[1:]


def _require_installed() -> None:
    """Raise UnableError if Python finds this program only through the current folder or PYTHONPATH."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(_PYTHON)}
    if sys.flags.safe_path and len(own) == len(os.environ):
        return
    words = [sys.executable, "-P", "-c", "import importlib.util as i; exit(i.find_spec('emulator') is None)"]
    if subprocess.run(words, env=own, stdin=subprocess.DEVNULL, check=False).returncode:  # noqa: S603
        raise UnableError(
            "this needs root, and root loads no program from the current folder or PYTHONPATH; "
            "install it (pip install .), or run ./emulate of the clone"
        )
