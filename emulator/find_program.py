"""Find a program of the machine, even if PATH lacks the folders of root's programs."""

from __future__ import annotations

import shutil

_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find_program(name: str) -> str | None:
    """Return the path of the program `name`, or None when it isn't installed.

    PATH comes first. A user's PATH often lacks /usr/sbin, where Debian has ovs-vswitchd and tcpdump.
    """
    return shutil.which(name) or shutil.which(name, path=_SYSTEM_FOLDERS)
