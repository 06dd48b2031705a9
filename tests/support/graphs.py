"""Hypothesis strategies: networks of any shape, and of the families that have a hierarchy."""

from __future__ import annotations

from hypothesis import strategies as st

from topologies.build import build
from topologies.builder import Builder
from topologies.spec.load import load_text
from topologies.topology import Kind, Topology


@st.composite
def arbitrary(draw: st.DrawFn) -> Topology:
    """Multigraph of hosts, switches and routers, with arbitrary groups or none."""
    count = draw(st.integers(1, 40))
    kinds = draw(st.lists(st.sampled_from(list(Kind)), min_size=count, max_size=count))
    groups = (
        draw(st.lists(st.integers(-1, 8), min_size=count, max_size=count)) if draw(st.booleans()) else None
    )
    build = Builder()
    for node, kind in enumerate(kinds):
        build.add_nodes(kind, f"n{node}x", 1, group=groups[node] if groups else -1)
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda e: e[0] != e[1])
    links = draw(st.lists(ends, max_size=80)) if count > 1 else []
    if links:
        build.add_links([a for a, _ in links], [b for _, b in links])
    return build.build("any")


@st.composite
def generated(draw: st.DrawFn) -> Topology:
    """Network of one of the families that have a hierarchy."""
    size = st.integers(1, 5)
    text = draw(
        st.one_of(
            st.builds("{{generator: fat-tree, k: {}}}".format, st.sampled_from([2, 4, 6, 8])),
            st.builds("{{generator: tree, depth: {}, fanout: {}}}".format, st.integers(1, 4), size),
            st.builds(
                "{{generator: leaf-spine, spines: {}, leaves: {}, hosts_per_leaf: {}}}".format,
                size,
                size,
                size,
            ),
            st.builds(
                "{{generator: region, zones: {}, pods: {}, racks: {}, hosts: {}}}".format,
                size,
                size,
                size,
                size,
            ),
        )
    )
    return build(load_text(f"name: t\ntopology: {text}\n"))
