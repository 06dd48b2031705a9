"""The models of a file's `openflow:` keys."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from topologies.errors import shortened
from topologies.openflow import PORT, PROTOCOLS, Controller
from topologies.spec.explain import shown
from topologies.spec.located_errors import located_error
from topologies.spec.section import Section

_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?))(?::(?P<port>\d{1,5}))?"
)
_EXAMPLE = "write learning, none, {remote: 10.0.0.5:6653} or {command: [python3, app.py]}"


class ControllerKeys(Section):
    """Controller that runs elsewhere (`remote`), or that the engine starts (`command`)."""

    EXAMPLE: ClassVar[str] = "{remote: 10.0.0.5:6653}"

    remote: str | list[str] | None = Field(
        None, description="Its address, or address:port; several for redundancy"
    )
    command: str | list[str] | None = Field(
        None,
        description="Program that the engine starts, with its arguments",
        examples=["[python3, app.py]"],
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description=f"Port on which the command listens; default: {PORT}"
    )

    user: Literal["root"] | None = Field(
        None, description="User that the command runs as: by default the one who called sudo; or root"
    )

    @field_validator("remote", "command", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        """Report a value that is no text once: a union would report it for each of its types."""
        if isinstance(value, dict):
            raise located_error([((), "must be text or a list of texts, not a mapping")])
        several = isinstance(value, list)
        problems = []
        for number, item in enumerate(value if several else [value]):
            if item is not None and not isinstance(item, str):
                quotes = "" if isinstance(item, dict | list) else "; put it in quotes"
                problems.append(((number,) if several else (), f"must be text, not {shown(item)}{quotes}"))
        if problems:
            raise located_error(problems)
        return value


class _ControllerForms:
    """Mark the controller's field: `learning`, `none`, or a mapping."""

    KEYS: ClassVar[type[Section]] = ControllerKeys

    def _mapping(self, value: Any) -> Any:
        if value is None or value == "none":
            return []
        if value == "learning":
            return [Controller("learning")]
        if isinstance(value, list | tuple):
            return [one for item in value for one in self._mapping(item)]
        if isinstance(value, Controller):
            return [value]
        if not isinstance(value, dict):
            raise ValueError(f"{shown(value)} is not a controller; {_EXAMPLE}")
        return _controllers(ControllerKeys.model_validate(value))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate all forms as a tuple of controllers."""
        del source, handler
        return core_schema.no_info_plain_validator_function(lambda value: tuple(self._mapping(value)))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Allow a word or the mapping."""
        del schema
        keys = handler(ControllerKeys.__pydantic_core_schema__)
        one = {"anyOf": [{"enum": ["none", "learning"]}, keys, {"type": "null"}]}
        return {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}


def _controllers(keys: ControllerKeys) -> list[Controller]:
    if (keys.remote is None) == (keys.command is None):
        raise ValueError(f"give either `remote` or `command`; {_EXAMPLE}")
    if keys.command is not None:
        words = keys.command.split() if isinstance(keys.command, str) else keys.command
        if not words or not words[0]:
            raise ValueError("`command` is empty; write for example [python3, app.py]")
        return [Controller("command", port=keys.port or PORT, command=tuple(words), user=keys.user or "")]
    if keys.user is not None:
        raise ValueError("`user` goes with `command`; a `remote` controller isn't started here")
    remotes = [keys.remote] if isinstance(keys.remote, str) else keys.remote or []
    return [_remote(text, keys.port or PORT) for text in remotes]


def _remote(text: str, port: int) -> Controller:
    found = _ADDRESS.fullmatch(text)
    number = int(found["port"]) if found and found["port"] else port
    if not found or not 0 < number < 65536:
        raise ValueError(
            f"`{shortened(text)}` is not an address; write for example 10.0.0.5:6653 or [fd00::5]:6653"
        )
    return Controller("remote", address=found["v6"] or found["name"], port=number)


Controllers = Annotated[tuple[Controller, ...], _ControllerForms()]
Protocol = Literal["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]
assert Protocol.__args__ == PROTOCOLS  # type: ignore[attr-defined]  # noqa: S101 -- one list in two forms


class OpenFlowKeys(Section):
    """Behaviour of switches of kind `ovs`."""

    EXAMPLE: ClassVar[str] = "{controller: learning, protocols: [OpenFlow13]}"

    controller: Controllers = Field(
        (),
        description="learning (the engine starts it), the address of a remote one, or a command to start",
    )
    protocols: Annotated[list[Protocol], Field(min_length=1)] | None = Field(
        None, description="OpenFlow versions that the switch speaks"
    )
    fail_mode: Literal["secure", "standalone"] | None = Field(
        None, description="Without the controller: forward nothing new, or learn MACs"
    )
    datapath: Literal["auto", "kernel", "userspace"] | None = Field(
        None, description="Datapath; auto is the kernel's if there is one"
    )
    flows: Literal["normal", "tree", "ecmp"] | None = Field(
        None, description="Forwarding without a controller: learning, or flows computed from the graph"
    )

    dpid_base: Annotated[int, Field(ge=0, le=2**48)] | None = Field(
        None,
        description="Number that is added to computed datapath ids: networks on one controller need several",
    )

    def set_keys(self) -> dict[str, Any]:
        """Return the keys that are set, by their names in `topologies.openflow.OpenFlow`."""
        out = {
            k: getattr(self, k)
            for k in ("fail_mode", "datapath", "flows", "dpid_base")
            if getattr(self, k) is not None
        }
        if self.protocols is not None:
            out["protocols"] = tuple(self.protocols)
        if "controller" in self.model_fields_set:
            out["controllers"] = self.controller
        return out
