"""The command line that reaches a node from the machine of the emulator. Pure."""

from __future__ import annotations

import shlex
from typing import Any

_OPTIONS = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")


def ssh_command(settings: dict[str, Any], host: str, argv: list[str], *, tty: bool) -> list[str]:
    """Return the words of an SSH client that runs `argv` at the address `host`, through the jump host."""
    common = [word for option in _OPTIONS for word in ("-o", option)]
    common += ["-i", settings["key"]] if settings.get("key") else []
    user, jump = settings["user"], settings.get("jump")
    way = shlex.join(["ssh", *common, "-W", "%h:%p", f"{user}@{jump}"])
    through = ["-o", f"ProxyCommand={way}"] if jump else []
    return ["ssh", "-tt" if tty else "-T", *common, *through, f"{user}@{host}", shlex.join(argv)]
