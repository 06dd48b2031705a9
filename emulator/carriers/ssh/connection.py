"""An SSH connection to a machine; only machines whose key is known are spoken to."""

from __future__ import annotations

import json
import shlex
import socket
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


def require_paramiko() -> None:
    """Raise UnableError with the command that installs it, if paramiko isn't there."""
    from importlib.util import find_spec

    if find_spec("paramiko") is None:
        raise UnableError(
            "SSH needs paramiko: pip install 'topology-emulator[cluster]' (or: pip install paramiko)"
        )


def connected(hosts: Hosts, host: str) -> paramiko.SSHClient:
    """Connect to a machine; UnableError, which names it and the fix."""
    import paramiko

    ssh = hosts.keys.ssh
    known = hosts.path(ssh.known_hosts)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        if known.exists():
            client.load_host_keys(str(known))
        client.connect(
            host, ssh.port, ssh.user, key_filename=str(hosts.path(ssh.key)) if ssh.key else None,
            timeout=_CONNECT_SECONDS, banner_timeout=_CONNECT_SECONDS, auth_timeout=_CONNECT_SECONDS,
        )  # fmt: skip
    except paramiko.BadHostKeyException as error:
        raise UnableError(
            f"{host}: its key isn't the one in {known}; somebody may be in between, or the machine was "
            f"installed anew (then: ssh-keygen -R {shlex.quote(_known_as(host, ssh.port))} -f {known})"
        ) from error
    except paramiko.AuthenticationException as error:
        raise UnableError(
            f"{host}: SSH doesn't take our key or user ({error}); see `ssh:` in the file"
        ) from error
    except paramiko.SSHException as error:
        if "not found in known_hosts" in str(error):
            raise UnableError(
                f"{host}: its key isn't in {known}; connect once by `ssh -p {ssh.port} {host}`, and "
                f"compare the key"
            ) from error
        raise UnableError(f"{host}: SSH: {error}") from error
    except (OSError, socket.gaierror, ValueError) as error:
        raise UnableError(f"{host}: SSH can't reach it: {error}") from error
    return client


def _known_as(host: str, port: int) -> str:
    """Return the name of a machine in a file of known hosts."""
    return host if port == SSH_PORT else f"[{host}]:{port}"


def ask(hosts: Hosts, host: str, request: Plain) -> Plain:
    """Let `remote` on a machine answer a request, as root; UnableError if it can't."""
    import paramiko

    words = [hosts.keys.python, "-P", "-m", "emulator.carriers.ssh.remote"]
    command = shlex.join(["sh", "-c", _AS_ROOT, "sh", *words])
    with connected(hosts, host) as client:
        try:
            stdin, stdout, stderr = client.exec_command(command, timeout=_ANSWER_SECONDS)
            stdin.write(json.dumps(request))
            stdin.channel.shutdown_write()
            output, errors = stdout.read(_MOST_OUTPUT), stderr.read(_MOST_OUTPUT)
            code = stdout.channel.recv_exit_status()
        except (OSError, paramiko.SSHException) as error:
            raise UnableError(f"{host}: no answer over SSH: {error or 'it took too long'}") from error
    if code:
        last = printable(errors.decode(errors="replace").strip().rpartition("\n")[2])
        raise UnableError(
            f"{host}: exit code {code}: {last or 'no message'}; does {hosts.keys.python} there have the "
            f"emulator, and may the user become root?"
        )
    return json.loads(output)
