"""Union of several topologies: the names of each get a prefix, everything else is kept."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from topologies.builder import number_ports
from topologies.errors import ParameterError
from topologies.names import Block, Names
from topologies.profiles import LinkProfile
from topologies.topology import F64, I32, I64, Kind, Topology
from topologies.vpcs import NO_SUBNET, Subnet, Vpcs

Entry = TypeVar("Entry", bound=Hashable)


def union(parts: Mapping[str, Topology], ends: I64, profiles: Sequence[LinkProfile]) -> Topology:
    """Return one topology of all `parts`, in their order, and of links between them.

    Node v of a part is node (nodes before the part) + v, named `<part>.<name>`; a VPC is named likewise.
    `ends` (int64[m, 2]) and `profiles` (m of them) are additional links, by the new indices; they get the
    next free ports of their ends. Leaf groups are numbered part by part; tiers of equal names are one tier;
    positions are kept if every part has them. ParameterError when the distinct tiers or profiles exceed the
    arrays' types.
    """
    each = list(parts.values())
    starts = np.cumsum([0, *(part.node_count for part in each)])
    kinds = np.concatenate([part.kinds for part in each])
    tier_names, tiers = _merged((part.tier_names, part.tiers) for part in each)
    node_profiles, node_profile = _merged((part.node_profiles, part.node_profile) for part in each)
    link_profiles, link_profile = _merged(
        [*((part.link_profiles, part.link_profile) for part in each), _table(profiles)]
    )
    inner = np.concatenate([part.ends + start for part, start in zip(each, starts[:-1], strict=True)])
    inner_ports = np.concatenate([part.ports for part in each])
    for what, table, most in (
        ("tiers", tier_names, 2**8), ("sets of node properties", node_profiles, 2**16),
        ("sets of link properties", link_profiles, 2**16),
    ):  # fmt: skip
        if len(table) > most:
            raise ParameterError(
                ("topology",), f"has {len(table):,} different {what}; the maximum is {most:,}"
            )
    between = ends.astype(np.int32).reshape(-1, 2)
    return Topology(
        name="",
        names=Names(_names(parts)),
        kinds=kinds,
        tiers=tiers.astype(np.uint8),
        tier_names=tier_names,
        groups=_groups(each),
        ends=np.concatenate([inner.astype(np.int32), between]),
        ports=np.concatenate([inner_ports, _next_ports(kinds, inner, inner_ports, between)]),
        link_profile=link_profile.astype(np.uint16),
        link_profiles=link_profiles,
        node_profile=node_profile.astype(np.uint16),
        node_profiles=node_profiles,
        explicit={
            int(start) + node: values
            for part, start in zip(each, starts, strict=False)
            for node, values in part.explicit.items()
        },
        positions=_positions(each),
        vpcs=_vpcs(parts),
        notes=tuple(dict.fromkeys(note for part in each for note in part.notes)),
    )


def _names(parts: Mapping[str, Topology]) -> tuple[Block, ...]:
    return tuple(block for key, part in parts.items() for block in part.names.prefixed(f"{key}.").blocks)


def _table(profiles: Sequence[LinkProfile]) -> tuple[tuple[LinkProfile, ...], I64]:
    """Return the distinct profiles, and the number of each profile: int64[len(profiles)]."""
    known: dict[LinkProfile, int] = {}
    numbers = [known.setdefault(profile, len(known)) for profile in profiles]
    return tuple(known), np.array(numbers, dtype=np.int64)


def _merged(
    tables: Iterable[tuple[tuple[Entry, ...], npt.NDArray[np.integer]]],
) -> tuple[tuple[Entry, ...], I64]:
    """Return one table of all distinct entries, and the numbers of all parts translated to it."""
    known: dict[Entry, int] = {}
    numbers: list[I64] = []
    for entries, own in tables:
        renumber = np.array([known.setdefault(entry, len(known)) for entry in entries], dtype=np.int64)
        numbers.append(renumber[own])
    return tuple(known), np.concatenate(numbers)


def _groups(each: Sequence[Topology]) -> I32:
    """Return the leaf groups, each part's numbered after those of the parts before; -1 stays."""
    out, first = [], 0
    for part in each:
        out.append(np.where(part.groups >= 0, part.groups + first, -1).astype(np.int32))
        first += int(part.groups.max(initial=-1)) + 1
    return np.concatenate(out)


def _next_ports(kinds: npt.NDArray[np.uint8], ends: I64, ports: I32, added: I32) -> I32:
    """Return the ports (int32[k, 2]) of the links `added` (int32[k, 2]), after the existing ones."""
    base = (kinds != Kind.HOST).astype(np.int32)  # the number of a node's first port
    free = base.copy()
    np.maximum.at(free, ends.ravel(), ports.ravel() + 1)
    ports_added: I32 = number_ports(added, kinds) + (free - base)[added]
    return ports_added


def _vpcs(parts: Mapping[str, Topology]) -> Vpcs | None:
    """Return the VPCs of all parts, named `<part>.<name>` and numbered part by part; None without any."""
    if all(part.vpcs is None for part in parts.values()):
        return None
    names: list[str] = []
    subnets: list[Subnet] = []
    of_node: list[I32] = []
    explicit: dict[int, int] = {}
    start = 0
    for key, part in parts.items():
        vpcs = part.vpcs or Vpcs((), (), np.full(part.node_count, NO_SUBNET, dtype=np.int32))
        held = vpcs.of_node != NO_SUBNET
        of_node.append(np.where(held, vpcs.of_node + len(subnets), NO_SUBNET).astype(np.int32))
        explicit.update({start + node: address for node, address in vpcs.explicit.items()})
        subnets += [subnet._replace(vpc=len(names) + subnet.vpc) for subnet in vpcs.subnets]
        names += [f"{key}.{name}" for name in vpcs.names]
        start += part.node_count
    return Vpcs(tuple(names), tuple(subnets), np.concatenate(of_node), explicit)


def _positions(each: Sequence[Topology]) -> F64 | None:
    known = [part.positions for part in each if part.positions is not None]
    return np.concatenate(known) if len(known) == len(each) else None
