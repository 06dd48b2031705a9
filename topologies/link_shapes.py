"""Refusal of queues and MTUs for the links of light ports, which have no interface of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from topologies.counting import counted_by_name
from topologies.errors import MAX_FOUND, Loc, ParameterError
from topologies.link_places import last_rules, part_of
from topologies.profiles import LinkProfile
from topologies.spec.rules import LinkRule
from topologies.topology import Topology

_FIX = "shape the underlay's links instead"
_RULE_FIX = "match links of full nodes, such as `between: [h1, switch]`"


def shaped_ports(
    topology: Topology, rules: Sequence[LinkRule], parts: Mapping[Loc, Any]
) -> list[ParameterError]:
    """Return an error for each place in the file that gives the link of a light host a queue or an MTU.

    `topology` has its nodes as when the rules were applied; `parts` as in `part_of`.
    """
    shaped = np.array([profile != LinkProfile() for profile in topology.link_profiles])
    light = topology.light
    if not light.any() or not shaped.any():
        return []
    wrong = shaped[topology.link_profile] & light[topology.ends].any(axis=1)
    if not wrong.any():
        return []
    names = topology.names

    def ports(links: list[int]) -> list[str]:
        return [names[a] if light[a] else names[b] for a, b in topology.ends[links].tolist()]

    origin = last_rules(topology, rules, lambda rule: bool(_keys(rule)))
    out = []
    for at in np.unique(origin[wrong & (origin >= 0)]).tolist():
        which = counted_by_name(ports(np.flatnonzero(wrong & (origin == at)).tolist()), "light port")
        words = f"matches {which}: light ports have no queue or MTU of their own; {_RULE_FIX}"
        out.append(ParameterError(("links", at, _keys(rules[at])[0]), words))
    for link in np.flatnonzero(wrong & (origin < 0))[:MAX_FOUND].tolist():
        a, b = topology.ends[link].tolist()
        loc, place = part_of(parts, names[a], names[b], lambda options: bool(_keys(options)))
        port = ports([link])[0]
        words = f"the light port `{port}` has no queue or MTU of its own; {_FIX}"
        if place is not None:
            keys = _keys(parts[loc].links[place][2])
            loc = (*loc, "links", place, 2, keys[0])
        out.append(ParameterError(loc, words))
    return out


def _keys(settings: Any) -> list[str]:
    """Return the keys of a rule or of a link's options that are set."""
    return [
        key for key in type(settings).model_fields if key != "match" and getattr(settings, key) is not None
    ]
