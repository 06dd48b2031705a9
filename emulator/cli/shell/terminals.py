"""`xterm`: windows with shells of nodes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from emulator.errors import UnableError, UsageError
from emulator.interface.network import Network as Handle


def open_terminals(handle: Handle, rest: str) -> int:
    """Open an xterm for each node that `rest` names; they stay open when the shell ends."""
    names = rest.split()
    if not names:
        raise UsageError("write a node, for example `xterm h1`")
    nodes = [handle[name] for name in names]
    if not os.environ.get("DISPLAY"):
        raise UnableError("xterm needs a display; set DISPLAY, with SSH log in with `ssh -X`")
    xterm = shutil.which("xterm")
    if xterm is None:
        raise UnableError("xterm isn't installed; `apt install xterm`")
    for node in nodes:
        title = f"{node.name} ({handle.name})"
        inner = [sys.executable, "-P", "-m", "emulator", "exec", "--net", handle.name, node.name, "--"]
        words = [xterm, "-T", title, "-e", *inner, shutil.which("bash") or "/bin/sh"]
        subprocess.Popen(words, start_new_session=True)  # noqa: S603 -- names of nodes, no shell
    return 0
