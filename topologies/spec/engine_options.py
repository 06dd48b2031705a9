"""Model of `engine:`, an engine's name and options."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from topologies.engines import DEFAULT_ENGINE, ENGINES, engine_choices
from topologies.errors import shortened
from topologies.spec.explain import shown
from topologies.spec.located_errors import located_error
from topologies.spec.quantity_types import Size
from topologies.spec.section import EmptyIfNull, OtherForms, Section

_MACHINE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")
"""A host name, an IPv4 or an IPv6 address."""


def _machine(value: str) -> str:
    if _MACHINE.fullmatch(value):
        return value
    raise ValueError(f"`{shortened(value)}` is no host name or address; write for example 10.0.0.11")


Machine = Annotated[str, AfterValidator(_machine)]


class _EngineName:
    """Mark the engine's name: one of the table's."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate the name as a `Literal` of the table's names would."""
        del source, handler
        return core_schema.literal_schema(list(ENGINES))


class WorkerKeys(Section):
    """A machine that the engine makes nodes on."""

    EXAMPLE: ClassVar[str] = "{name: w1, address: 10.0.0.11}"

    name: Machine = Field(description="Its host name", examples=["w1"])
    address: Machine | None = Field(None, description="Its address; by default its name")
    memory: Size | None = Field(None, description="Memory that nodes may take there, e.g. 16 GiB")
    nodes: Annotated[int, Field(ge=0)] | None = Field(None, description="Most nodes to place there")


class _NameOrWorker(OtherForms):
    """Annotation of a worker: `w1` is short for `{name: w1}`."""

    def _own_form(self, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict | WorkerKeys):
            return value
        raise ValueError(f"{shown(value)} is no worker; write a host name or {WorkerKeys.EXAMPLE}")

    def _schemas(self) -> list[JsonSchemaValue]:
        return [{"type": "string"}]


def _scheduler(value: str) -> str:
    if re.fullmatch(r"(tls|tcp)://\S+:\d+", value):
        return value
    words = f"`{shortened(value)}` is no scheduler's address; write for example tls://head:8786"
    if "://" not in value and ("/" in value or value.endswith(".json")):
        words += "; a scheduler file goes under `scheduler_file`, or in EMULATOR_CLUSTER_SCHEDULER_FILE"
    raise ValueError(words)


def _network(value: str) -> str:
    try:
        ip_network(value, strict=False)
    except ValueError:
        words = f"`{shortened(value)}` is no network; write for example 10.0.0.0/24"
        raise ValueError(words) from None
    return value


class UnderlayKeys(Section):
    """What tunnels between workers go over."""

    EXAMPLE: ClassVar[str] = "{device: eth1}"

    device: Annotated[str, Field(pattern=r"^[^/\s]{1,15}$")] | None = Field(
        None, description="Device of each worker; its first address is used"
    )
    address: Annotated[str, AfterValidator(_network)] | None = Field(
        None, description="Network that holds an address of each worker, e.g. 10.0.0.0/24"
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="UDP port of the tunnels; default: 4789"
    )


class _DeviceOrUnderlay(OtherForms):
    """Annotation of an underlay: `eth1` and `10.0.0.0/24` are short for a device and a network."""

    def _own_form(self, value: Any) -> Any:
        if isinstance(value, str):
            return {"address" if "/" in value else "device": value}
        if isinstance(value, dict | UnderlayKeys):
            return value
        raise ValueError(f"{shown(value)} is no underlay; write a device or {UnderlayKeys.EXAMPLE}")

    def _schemas(self) -> list[JsonSchemaValue]:
        return [{"type": "string"}]


class EngineOptions(Section):
    """Engine and its options. An option that the engine doesn't have is an error."""

    name: Annotated[str, _EngineName()] = Field(
        DEFAULT_ENGINE, description="; ".join(f"{name}: {row.help}" for name, row in ENGINES.items())
    )
    python: str | None = Field(None, description="Python that the engine's own program runs under")
    home: str | None = Field(None, description="Folder of the engine's own program")
    workers: Annotated[list[Annotated[WorkerKeys, _NameOrWorker()]], EmptyIfNull(list)] = Field(
        [], description="Machines to make the nodes on", examples=["[w1, w2]"]
    )
    scheduler: Annotated[str, AfterValidator(_scheduler)] | None = Field(
        None, description="cluster: address of its scheduler", examples=["tls://head:8786"]
    )
    scheduler_file: str | None = Field(None, description="cluster: scheduler file that Dask wrote")
    certificates: str | None = Field(
        None, description="cluster: folder with ca.pem, client.pem and client.key"
    )
    underlay: Annotated[UnderlayKeys, _DeviceOrUnderlay()] | None = Field(
        None, description="cluster: what tunnels between workers go over", examples=[UnderlayKeys.EXAMPLE]
    )
    frontend: Machine | None = Field(
        None, description="MaxiNet: address, or address:port, of its FrontendServer"
    )
    password_file: str | None = Field(None, description="MaxiNet: file with the FrontendServer's password")
    user: str | None = Field(None, description="Distrinet: user on the workers; default: root")
    key: str | None = Field(None, description="Distrinet: file of the private SSH key")
    jump: Machine | None = Field(None, description="Distrinet: host through which SSH goes")
    image: str | None = Field(None, description="Distrinet: LXD image of the nodes; default: ubuntu")
    admin: str | None = Field(
        None, description="Distrinet: network of the nodes' management addresses; default: 192.168.0.1/16"
    )
    master: Machine | None = Field(None, description="Distrinet: its master; default: the first worker")

    @model_validator(mode="after")
    def _known(self) -> EngineOptions:
        """Refuse options of other engines, and a worker that is named twice."""
        allowed = ENGINES[self.name].options
        problems: list[tuple[tuple[str | int, ...], str]] = [
            ((key,), _not_an_option(key, self.name))
            for key in EngineOptions.model_fields
            if key != "name" and key not in allowed and key in self.model_fields_set
        ]
        seen: set[str] = set()
        for number, worker in enumerate(self.workers):
            if worker.name in seen:
                problems.append((("workers", number), f"the worker `{worker.name}` is there twice"))
            seen.add(worker.name)
        if problems:
            raise located_error(problems)
        return self


def _not_an_option(key: str, engine: str) -> str:
    own = ENGINES[engine].options
    others = [name for name, row in ENGINES.items() if key in row.options]
    words = f"is no option of the engine {engine}"
    return f"{words}, which has {', '.join(own)}" if own else f"{words}; {_listed(others)} have it"


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


class NameOrOptions:
    """Annotation of the engine's field: `engine: netns` is short for `engine: {name: netns}`."""

    def _mapping(self, value: Any) -> Any:
        if value is None:
            return {}
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict | EngineOptions):
            return value
        raise ValueError(f"must be an engine's name; write {engine_choices()}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate the mapping form."""
        return core_schema.no_info_before_validator_function(self._mapping, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Allow a name, the mapping, or nothing."""
        return {"anyOf": [{"enum": list(ENGINES)}, handler(schema), {"type": "null"}]}
