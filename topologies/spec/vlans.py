"""Models of a node's `vlans:`, in the words of netplan."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from topologies.services import Vlan
from topologies.spec.node_values import Addresses, InterfaceName, PortName
from topologies.spec.routes import port_of
from topologies.spec.section import Section


class VlanKeys(Section):
    """Sub-interface whose frames have a VLAN tag (IEEE 802.1Q)."""

    EXAMPLE: ClassVar[str] = "{id: 100, link: eth0, addresses: [192.168.100.1/24]}"

    id: Annotated[int, Field(ge=1, le=4094)] = Field(description="VLAN id", examples=["100"])
    link: PortName = Field("eth0", description="Port that it is on, eth and its number")
    addresses: Addresses | None = Field(None, description="Addresses with prefix lengths")

    def vlan(self, name: str) -> Vlan:
        """Return the sub-interface `name`."""
        return Vlan(name, self.id, port_of(self.link), tuple(dict.fromkeys(self.addresses or ())))


Vlans = dict[InterfaceName, VlanKeys | None]


def vlans_of(keys: Vlans) -> dict[str, Vlan | None]:
    """Return the sub-interfaces of `vlans:` by name; None for those that are taken away."""
    return {name: entry.vlan(name) if entry else None for name, entry in keys.items()}
