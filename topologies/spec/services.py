"""Models of a node's `run:`, `environment:` and `sysctl:`."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue

from topologies.errors import shortened
from topologies.services import Ready, Service
from topologies.spec.explain import shown
from topologies.spec.node_files import Directories, Files
from topologies.spec.quantity_types import Duration
from topologies.spec.routes import Gateways, Routes
from topologies.spec.section import OtherForms, Section
from topologies.spec.vlans import Vlans

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SYSCTL = re.compile(
    r"net(?:\.[A-Za-z0-9_-][A-Za-z0-9_:@-]*)+|net(?:/[A-Za-z0-9_-][A-Za-z0-9_.:@-]*)+", re.ASCII
)
_LONGEST = 4096
_OWN = ("EMULATOR_NODE", "HOSTNAME")
_COMMAND_EXAMPLE = "write for example python3 -m http.server 8080"


def _command(value: Any) -> Any:
    """Return the words of a command: text is split as a shell would, but no shell reads it."""
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError as error:
            raise ValueError(f"can't be split into words: {str(error).lower()}; {_COMMAND_EXAMPLE}") from None
    elif not isinstance(value, list | tuple):
        raise ValueError(f"{shown(value)} is no command; {_COMMAND_EXAMPLE}")
    words = [str(word) if isinstance(word, int) and not isinstance(word, bool) else word for word in value]
    wrong = next((word for word in words if not isinstance(word, str)), None)
    if wrong is not None:
        raise ValueError(f"{shown(wrong)} is no word of a command; put it in quotes")
    if not words or not words[0]:
        raise ValueError(f"is empty; {_COMMAND_EXAMPLE}")
    if any("\0" in word for word in words):
        raise ValueError("has a zero byte; leave it out")
    return tuple(words)


Command = Annotated[
    tuple[str, ...],
    BeforeValidator(_command),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class ReadyKeys(Section):
    """Sign that a service is ready: one of these."""

    EXAMPLE: ClassVar[str] = "{port: 8080}"

    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="TCP port on which it listens"
    )
    output: Annotated[str, Field(min_length=1, max_length=1000)] | None = Field(
        None, description="Text in a line that it prints"
    )
    command: Command | None = Field(
        None, description="Command that ends with exit code 0 in the node then", examples=["ping -c1 h2"]
    )
    notify: Literal[True] | None = Field(None, description="It says so itself, by sd_notify")
    within: Duration | None = Field(None, description="Time in which it must be ready; default: 30 s")

    @model_validator(mode="after")
    def _one(self) -> ReadyKeys:
        if sum(getattr(self, key) is not None for key in ("port", "output", "command", "notify")) != 1:
            raise ValueError("names no sign, or several; write one of port, output, command and notify")
        return self

    def ready(self) -> Ready:
        """Return it as part of a service."""
        within = Ready().within if self.within is None else self.within
        return Ready(self.port, self.output, self.command or (), bool(self.notify), within)


class ServiceKeys(Section):
    """Command that runs in the node from `up` to `down`."""

    EXAMPLE: ClassVar[str] = "{command: python3 -m http.server 8080, ready: {port: 8080}}"

    command: Command = Field(
        description="Program with its arguments; no shell reads it", examples=["iperf -s"]
    )
    once: bool | None = Field(None, description="It runs once when the node is made, and must end with 0")
    restart: Literal["never", "on-failure", "always"] | None = Field(
        None, description="Whether it starts again when it ends by itself; default: on-failure"
    )
    ready: ReadyKeys | None = Field(
        None, description="When it is ready; default: as soon as it runs", examples=[ReadyKeys.EXAMPLE]
    )
    user: Literal["root"] | None = Field(
        None, description="User that it runs as: by default the one who called sudo; or root"
    )

    @model_validator(mode="after")
    def _of_a_service(self) -> ServiceKeys:
        also = [key for key in ("restart", "ready") if getattr(self, key) is not None]
        if self.once and also:
            raise ValueError(f"`{also[0]}` is for services; a command with `once` is ready when it has ended")
        return self

    def service(self, name: str) -> Service:
        """Return the service."""
        usual = Service(name, self.command)
        return Service(
            name, self.command, bool(self.once), self.restart or usual.restart,
            self.ready.ready() if self.ready else usual.ready, self.user or "",
        )  # fmt: skip


class _CommandAlone(OtherForms):
    """Annotation of a service: `iperf -s` is short for `{command: iperf -s}`."""

    def _own_form(self, value: Any) -> Any:
        if isinstance(value, str | list):
            return {"command": value}
        if isinstance(value, dict | ServiceKeys):
            return value
        raise ValueError(f"{shown(value)} is no service; {_COMMAND_EXAMPLE}, or {ServiceKeys.EXAMPLE}")

    def _schemas(self) -> list[JsonSchemaValue]:
        return [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]


def _name(value: str) -> str:
    if _NAME.fullmatch(value):
        return value
    raise ValueError(f"`{shortened(value)}` is no name of a service; use A-Z, a-z, 0-9, `_`, `.` and `-`")


def _variable(value: str) -> str:
    if value in _OWN:
        raise ValueError(f"`{value}` is the node's name in each node; use another name")
    if _VARIABLE.fullmatch(value):
        return value
    raise ValueError(f"`{shortened(value)}` is no name of a variable; use A-Z, a-z, 0-9 and `_`")


def _sysctl(value: str) -> str:
    parts = value.split("/" if "/" in value else ".")
    if _SYSCTL.fullmatch(value) and ".." not in parts and "." not in parts:
        return value
    if not value.startswith(("net.", "net/")):
        raise ValueError(f"`{shortened(value)}` is not a node's own; only those that begin with `net.` are")
    raise ValueError(f"`{shortened(value)}` is no sysctl; write for example net.ipv4.tcp_congestion_control")


def _value(value: Any) -> Any:
    """Return a value as text; a number is text too."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no text; put it in quotes")
    if "\0" in value or len(value) > _LONGEST:
        raise ValueError(f"has a zero byte or more than {_LONGEST:,} characters")
    return value


Value = Annotated[
    str | None,
    BeforeValidator(_value),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]}),
]
Run = dict[Annotated[str, AfterValidator(_name)], Annotated[ServiceKeys, _CommandAlone()] | None]
Environment = dict[Annotated[str, AfterValidator(_variable)], Value]
Sysctls = dict[Annotated[str, AfterValidator(_sysctl)], Value]


class SetupKeys(Section):
    """Properties of a node that its own programs and its kernel see."""

    run: Run | None = Field(
        None, description="Commands and services by name, started in this order", examples=["{web: iperf -s}"]
    )
    environment: Environment | None = Field(
        None, description="Variables of all commands in the node", examples=["{LANG: C.UTF-8}"]
    )
    sysctl: Sysctls | None = Field(
        None, description="Settings of the node's kernel, net.…", examples=["{net.ipv4.ip_forward: 1}"]
    )
    gateway: Gateways | None = Field(
        None,
        description="Gateway of the default route; a list of two for IPv4 and IPv6",
        examples=["10.0.0.254"],
    )
    files: Files | None = Field(
        None, description="Content of files that only this node sees", examples=["{/etc/motd: Hello}"]
    )
    private: Directories | None = Field(
        None, description="Directories that are the node's own, empty at first", examples=["[/var/log]"]
    )
    vlans: Vlans | None = Field(
        None, description="VLAN sub-interfaces by name", examples=["{eth0.100: {id: 100}}"]
    )
    routes: Routes | None = Field(
        None, description="Gateway of each further destination", examples=["{192.168.0.0/16: 10.0.0.254}"]
    )


def services_of(keys: Run) -> dict[str, Service | None]:
    """Return the services of `run:` by name; None for those that are taken away."""
    return {name: entry.service(name) if entry else None for name, entry in keys.items()}
