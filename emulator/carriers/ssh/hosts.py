"""The file of a cluster's machines: `hosts.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from emulator.carriers.addresses import Address
from emulator.carriers.dask.settings import DEFAULT_PORT
from topologies.source import read
from topologies.spec.engine_options import Machine
from topologies.spec.explain import shown
from topologies.spec.section import Section
from topologies.spec.validate import Found, validated

_LEAST = "`scheduler:` and `workers:`"
_Port = Annotated[int, Field(ge=1, le=65535)]


class SshKeys(Section):
    """How machines are reached."""

    EXAMPLE: ClassVar[str] = "{user: admin, key: ~/.ssh/id_ed25519}"

    user: str | None = Field(None, description="User; with sudo without a password, unless it is root")
    port: _Port = Field(22, description="TCP port of SSH")
    key: str | None = Field(None, description="File of the private key; by default those of ssh")
    known_hosts: str = Field("~/.ssh/known_hosts", description="File with the keys of the machines")


class HostKeys(Section):
    """A machine."""

    EXAMPLE: ClassVar[str] = "{host: worker1, address: 10.0.0.11}"

    host: Machine = Field(description="Its name or address for SSH", examples=["worker1"])
    address: Machine | None = Field(None, description="Its address in the underlay; by default `host`")
    name: Machine | None = Field(None, description="Name of the worker; by default `host`")
    port: _Port | None = Field(None, description="Port of its scheduler or worker; by default 8786 or 8787")


class HostsFile(Section):
    """The machines of a cluster."""

    ssh: SshKeys = Field(default_factory=SshKeys, description="How they are reached")
    python: str = Field("python3", description="The Python there that has the emulator")
    certificates: str = Field(description="Folder on this machine with the certificates of all roles")
    scheduler: HostKeys = Field(description="The machine of the scheduler")
    workers: list[HostKeys] = Field(description="The machines of the workers", min_length=1)


@dataclass(frozen=True)
class Host:
    """What runs on a machine, and the address that it listens at; `words` are those of `emulator workers`."""

    host: str
    role: str
    name: str
    listens: Address
    words: Sequence[str]


@dataclass(frozen=True)
class Hosts:
    """A cluster's machines; paths are absolute."""

    keys: HostsFile
    folder: Path

    @property
    def address(self) -> Address:
        """Address of the scheduler."""
        head = self.keys.scheduler
        return Address("tls", head.address or head.host, head.port or DEFAULT_PORT)

    @property
    def certificates(self) -> Path:
        """Folder of the certificates here."""
        return self.path(self.keys.certificates)

    def path(self, text: str) -> Path:
        """Return a path of the file; it is relative to it."""
        return self.folder / Path(text).expanduser()

    def scheduler(self) -> Host:
        """Return what runs on the scheduler's machine."""
        words = ["--host", self.address.host, "--port", str(self.address.port)]
        return Host(self.keys.scheduler.host, "scheduler", "scheduler", self.address, words)

    def workers(self) -> list[Host]:
        """Return what runs on the machines of the workers."""
        return [self._worker(keys) for keys in self.keys.workers]

    def _worker(self, keys: HostKeys) -> Host:
        name = keys.name or keys.host
        listens = Address("tls", keys.address or keys.host, keys.port or DEFAULT_PORT + 1)
        words = ["--scheduler", str(self.address), "--name", name, "--port", str(listens.port)]
        return Host(keys.host, "worker", name, listens, [*words, "--host", listens.host])


def load_hosts(path: Path) -> Hosts:
    """Read the file at `path`; InputError with all its problems."""
    source = read(path, _LEAST, _wrong)
    problems: Found = []
    keys = validated(HostsFile, source.data, (), problems) if isinstance(source.data, dict) else None
    if keys is None:
        raise source.input_error(problems or _wrong(source.data))
    names = [worker.name or worker.host for worker in keys.workers]
    twice = [
        (("workers", n), f"another worker is named `{name}`")
        for n, name in enumerate(names)
        if name in names[:n]
    ]
    if twice:
        raise source.input_error(twice)
    return Hosts(keys, source.folder)


def _wrong(data: Any) -> Found:
    """Return the errors in the data of a file that may not be read to its end yet."""
    if not isinstance(data, dict):
        return [((), f"must be a mapping (key: value), not {shown(data)}; start with {_LEAST}")]
    return []
