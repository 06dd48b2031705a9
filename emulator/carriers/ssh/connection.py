"""An SSH connection to a machine; only machines whose key is known are spoken to."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from typing import TYPE_CHECKING

from emulator.carriers.ssh.hosts import Hosts
from emulator.errors import UnableError
from emulator.tasks import Plain
from topologies.errors import printable

if TYPE_CHECKING:
    import paramiko

SSH_PORT = 22
_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 90.0
_MOST_OUTPUT = 1 << 20
_AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec "$@"; else exec sudo -n -- "$@"; fi'

_SURVEYING = (
    'p=$1; command -v "$p" >/dev/null 2>&1 || p=python3; set -- "$p" -I -; '
    'if [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; then exec sudo -n -- "$@"; else exec "$@"; fi'
)
"""Runs a script on standard input as root if it can, by the Python that is named or another one."""


class NotConnectedError(UnableError):
    """No SSH connection: `check` names what failed (`SSH`, `host key`, `login`), `fix` what helps."""

    def __init__(self, host: str, check: str, what: str, fix: str) -> None:
        self.check, self.what, self.fix = check, what, fix
        super().__init__(f"{host}: {what}; {fix}" if fix else f"{host}: {what}")


def require_paramiko() -> None:
    """Raise UnableError with the command that installs it, if paramiko isn't there."""
    from importlib.util import find_spec

    if find_spec("paramiko") is None:
        raise UnableError(
            f"SSH needs paramiko: `{sys.executable} -m pip install paramiko` "
            "(the extra `cluster` of this project)"
        )


def connected(hosts: Hosts, host: str) -> paramiko.SSHClient:
    """Connect to a machine; UnableError, which names it and the fix."""
    import paramiko

    ssh = hosts.keys.ssh
    known = hosts.path(ssh.known_hosts)
    # Its thread logs tracebacks of errors that `connect` raises too; they would reach the terminal.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        if known.exists():
            client.load_host_keys(str(known))
        client.connect(
            host, ssh.port, ssh.user, key_filename=str(hosts.path(ssh.key)) if ssh.key else None,
            timeout=_CONNECT_SECONDS, banner_timeout=_CONNECT_SECONDS, auth_timeout=_CONNECT_SECONDS,
        )  # fmt: skip
    except (OSError, paramiko.SSHException, ValueError) as error:
        client.close()
        raise NotConnectedError(host, *_explained(hosts, host, error)) from error
    return client


def _explained(hosts: Hosts, host: str, error: Exception) -> tuple[str, str, str]:
    """Return what failed, how, and what helps."""
    import paramiko

    ssh = hosts.keys.ssh
    known = hosts.path(ssh.known_hosts)
    if isinstance(error, paramiko.BadHostKeyException):
        forget = f"ssh-keygen -R {shlex.quote(_known_as(host, ssh.port))} -f {known}"
        return (
            "host key", f"its key isn't the one in {known}",
            f"somebody may be in between, or the machine was installed anew (then: {forget})",
        )  # fmt: skip
    if isinstance(error, paramiko.AuthenticationException):
        return "login", f"SSH doesn't take our key or user ({error})", "see `ssh:` in the file"
    if isinstance(error, paramiko.SSHException) and "not found in known_hosts" in str(error):
        fix = f"connect once by `ssh -p {ssh.port} {host}`, and compare the key"
        return "host key", f"its key isn't in {known}", fix
    if isinstance(error, paramiko.SSHException):
        return (
            "SSH", f"port {ssh.port} doesn't speak SSH as it should ({error})",
            "does an sshd listen there? see `port:` of `ssh:` in the file",
        )  # fmt: skip
    return "SSH", f"SSH can't reach it: {error}", "is it on, and does its sshd listen there?"


def _known_as(host: str, port: int) -> str:
    """Return the name of a machine in a file of known hosts."""
    return host if port == SSH_PORT else f"[{host}]:{port}"


def ask(hosts: Hosts, host: str, request: Plain) -> Plain:
    """Let `remote` on a machine answer a request, as root; UnableError if it can't."""
    words = [hosts.keys.python, "-P", "-m", "emulator.carriers.ssh.remote"]
    command = shlex.join(["sh", "-c", _AS_ROOT, "sh", *words])
    with connected(hosts, host) as client:
        code, output, errors = _run(client, host, command, json.dumps(request))
    if code:
        raise UnableError(
            f"{host}: exit code {code}: {_last_line(errors) or 'no message'}; does {hosts.keys.python} there "
            f"have the emulator, and may the user become root?"
        )
    return json.loads(output)


def surveyed(client: paramiko.SSHClient, hosts: Hosts, host: str, script: str) -> Plain:
    """Let the Python of a machine run a script that prints JSON, as root if that is possible; UnableError."""
    command = shlex.join(["sh", "-c", _SURVEYING, "sh", hosts.keys.python])
    code, output, errors = _run(client, host, command, script)
    try:
        return json.loads(output)
    except ValueError as error:
        raise UnableError(_last_line(errors) or f"exit code {code}, without a message") from error


def _run(client: paramiko.SSHClient, host: str, command: str, text: str) -> tuple[int, bytes, bytes]:
    """Run a command with `text` as its input; return its exit code, output and errors. UnableError."""
    import paramiko

    try:
        stdin, stdout, stderr = client.exec_command(command, timeout=_ANSWER_SECONDS)
        stdin.write(text)
        stdin.channel.shutdown_write()
        output, errors = stdout.read(_MOST_OUTPUT), stderr.read(_MOST_OUTPUT)
        if not stdout.channel.status_event.wait(_ANSWER_SECONDS):  # recv_exit_status alone has no limit
            raise TimeoutError(f"the command hasn't ended within {_ANSWER_SECONDS:g} s of its output")
        return stdout.channel.recv_exit_status(), output, errors
    except (OSError, paramiko.SSHException) as error:
        raise UnableError(f"{host}: no answer over SSH: {error or 'it took too long'}") from error


def _last_line(errors: bytes) -> str:
    return printable(errors.decode(errors="replace").strip().rpartition("\n")[2])
