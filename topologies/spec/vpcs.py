"""Model of `vpcs:`, the VPCs of light hosts that the file writes by hand or makes by rules."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from topologies.errors import shortened
from topologies.names import NODE_NAME
from topologies.spec.address_pools import Network4
from topologies.spec.section import OtherForms


class _OneSubnet(OtherForms):
    """Annotation of a list of subnets: a single one needs no list."""

    def _own_form(self, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    def _schemas(self) -> list[dict[str, Any]]:
        return [{"type": "string", "description": "Its only subnet"}]


def _name(value: str) -> str:
    if NODE_NAME.fullmatch(value):
        return value
    raise ValueError(
        f"`{shortened(value)}` is not a name of a VPC; use A-Z, a-z, 0-9, `_`, `.` and `-`, with a letter or "
        "a digit first, 63 characters at most"
    )


def _ipv4(value: Any) -> Any:
    if isinstance(value, str) and ":" in value:
        raise ValueError(
            f"`{shortened(value)}` is IPv6; the programs that carry packets of VPCs read IPv4 only: "
            "write for example 10.0.0.0/8"
        )
    return value


VpcName = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": NODE_NAME.pattern})]
_Subnet = Annotated[Network4, BeforeValidator(_ipv4)]
VpcSubnets = Annotated[list[_Subnet], Field(min_length=1, max_length=4096), _OneSubnet()]
