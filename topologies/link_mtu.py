"""Checks of link MTUs: minima of IPv6 and of uplinks that carry VXLAN, and one MTU in a broadcast domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from topologies.errors import Loc, ParameterError
from topologies.light_devices import has_devices
from topologies.link_places import last_rules, part_of
from topologies.members import OVERHEAD
from topologies.segments import Segments
from topologies.topology import Kind, Topology

if TYPE_CHECKING:
    from topologies.spec.rules import LinkRule

IPV6_LEAST = 1280
"""Smallest MTU of IPv6 in bytes (RFC 8200, section 5); Linux enforces it."""
IPV4_LEAST = 68
"""Smallest MTU of IPv4 in bytes (RFC 791, section 3.2); Linux enforces it."""


def link_mtus(topology: Topology) -> npt.NDArray[np.int64]:
    """Return the MTU of each link in bytes: int64[m]."""
    table = np.array([profile.effective_mtu for profile in topology.link_profiles], dtype=np.int64)
    return table[topology.link_profile]


def too_small(
    topology: Topology, rules: Sequence[LinkRule], parts: Mapping[Loc, Any]
) -> list[ParameterError]:
    """Return an error for each place in the file that gives a link an MTU too small for what it carries.

    `rules` are the link rules applied to `topology`; `parts` as in `part_of`.
    """
    out: list[ParameterError] = []
    if topology.pools.ipv6 is not None:
        words = (
            f"the minimum of IPv6, and `addressing.ipv6` is set; write {IPV6_LEAST} or more, or remove `ipv6`"
        )
        out += _Least(IPV6_LEAST, words).errors(topology, rules, parts, np.True_)
    if topology.light.any() or topology.member.any():
        least = OVERHEAD + (IPV6_LEAST if has_devices(topology) else IPV4_LEAST)
        uplink = np.zeros(topology.link_count, dtype=bool)
        underlay = topology.underlay
        uplink[[underlay.incident(host)[0].link for host in underlay.carriers.tolist()]] = True
        words = f"the minimum of a compute host's uplink: VXLAN adds {OVERHEAD} bytes; write {least} or more"
        out += _Least(least, words).errors(topology, rules, parts, uplink)
    return out


class _Least(NamedTuple):
    """A smallest MTU, and words for why it is and for the fix."""

    mtu: int
    words: str

    def errors(
        self, topology: Topology, rules: Sequence[LinkRule], parts: Mapping[Loc, Any],
        those: npt.NDArray[np.bool_] | np.bool_,
    ) -> list[ParameterError]:  # fmt: skip
        """Return an error for each place that gives one of `those` links (bool[m]) a smaller one."""
        mtus = link_mtus(topology)
        low = (mtus < self.mtu) & those
        if not low.any():
            return []
        origin = last_rules(topology, rules, lambda rule: rule.mtu is not None)
        rows: list[int] = np.unique(origin[low & (origin >= 0)]).tolist()
        out = [ParameterError(("links", at, "mtu"), self._message(rules[at].mtu)) for at in rows]
        names = topology.names
        for link in np.flatnonzero(low & (origin < 0)).tolist():
            mtu, (a, b) = int(mtus[link]), topology.ends[link].tolist()
            loc, place = part_of(parts, names[a], names[b], partial(_has_mtu, mtu))
            if place is None:  # it comes from another file
                out.append(ParameterError(loc, f"link {_name(topology, link)}: mtu {self._message(mtu)}"))
            else:
                out.append(ParameterError((*loc, "links", place, 2, "mtu"), self._message(mtu)))
        return out

    def _message(self, mtu: int | None) -> str:
        return f"`{mtu}` is below {self.mtu:,}, {self.words}"


def _has_mtu(mtu: int, options: Any) -> bool:
    return bool(options.mtu == mtu)


def mixed_mtus(topology: Topology) -> list[str]:
    """Return a warning when hosts or routers may send larger frames than a link of their domain carries.

    A bridge drops frames that are too large for a port, without telling the sender. Links between
    switches may have a larger MTU: that loses nothing.
    """
    mtus = link_mtus(topology)
    if not topology.link_count or mtus.min() == mtus.max():
        return []
    segments = Segments(topology)
    of_link, bridged = segments.of_end[:, 0], ~segments.wires
    if not bridged.any():
        return []
    vertices = segments.vertices
    of_vertex = np.full(topology.node_count + topology.ends.size, np.iinfo(np.int64).max)
    np.minimum.at(of_vertex, vertices.ravel(), np.repeat(mtus, 2))  # a bridge has the least of its ports
    sends = np.where(topology.kinds[topology.ends] != Kind.SWITCH, of_vertex[vertices], 0).max(axis=1)
    least = np.full(segments.count, np.iinfo(np.int64).max)
    np.minimum.at(least, of_link[bridged], mtus[bridged])
    largest = np.zeros(segments.count, dtype=np.int64)
    np.maximum.at(largest, of_link[bridged], sends[bridged])
    found = np.flatnonzero(largest > least).tolist()
    if not found:
        return []
    here = bridged & (of_link == found[0])
    sender = int(np.flatnonzero(here & (sends == largest[found[0]]))[0])
    narrow = int(np.flatnonzero(here & (mtus == least[found[0]]))[0])
    more = f" (and so in {len(found) - 1:,} more)" if len(found) > 1 else ""
    wide_words = f"{_name(topology, sender)} has {mtus[sender]:,} bytes"
    narrow_words = f"{_name(topology, narrow)} has {mtus[narrow]:,}, where larger frames are lost"
    words = f"{wide_words}, {narrow_words} without a word to the sender; give all its links one `mtu`"
    return [f"links of one broadcast domain have different MTUs{more}: {words}"]


def _name(topology: Topology, link: int) -> str:
    a, b = topology.ends[link].tolist()
    return f"{topology.names[a]} -- {topology.names[b]}"
