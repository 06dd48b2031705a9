"""Model of `vpcs:`, the VPCs of light hosts that the file writes by hand or makes by rules."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from topologies.spec.address_pools import Network4
from topologies.spec.section import OtherForms


class _OneSubnet(OtherForms):
    """Annotation of a list of subnets: a single one needs no list."""

    def _own_form(self, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    def _schemas(self) -> list[dict[str, Any]]:
        return [{"type": "string", "description": "Its only subnet"}]


VpcName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
VpcSubnets = Annotated[list[Network4], Field(min_length=1, max_length=4096), _OneSubnet()]
