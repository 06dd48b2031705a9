from __future__ import annotations

import pytest
from support.topologies import edges, make, refused

from topologies.topology import Topology


def rates(topology: Topology) -> dict[tuple[str, str], float | None]:
    names = topology.names
    return {
        (names[a].rstrip("0123456789"), names[b].rstrip("0123456789")): topology.shape(link, 0).bandwidth
        for link, (a, b) in enumerate(topology.ends.tolist())
    }


def test_shape() -> None:
    assert edges(make("leaf-spine", spines=2, leaves=2, hosts_per_leaf=1)) == {
        "leaf1-spine1", "leaf1-spine2", "leaf2-spine1", "leaf2-spine2", "h1-leaf1", "h2-leaf2",
    }  # fmt: skip


def test_nothing_is_shaped_without_rates() -> None:
    assert make("leaf-spine").link_profiles[0].is_plain
    assert len(make("leaf-spine").link_profiles) == 1


@pytest.mark.parametrize(
    ("ratio", "uplink"),
    [(None, 12e9), (1, 12e9), (3, 4e9), (0.5, 24e9)],
)
def test_uplinks_follow_from_the_ratio(ratio: float | None, uplink: float) -> None:
    """48 hosts at 1 Gbit over 4 spines: 12 Gbit an uplink when nothing is oversubscribed."""
    given = {} if ratio is None else {"oversubscription": ratio}
    topology = make("leaf-spine", spines=4, leaves=2, hosts_per_leaf=48, host_bandwidth="1 Gbit", **given)
    assert rates(topology) == {("leaf", "h"): 1e9, ("leaf", "spine"): uplink}


def test_a_ratio_needs_a_rate() -> None:
    assert "give `host_bandwidth` too" in refused("leaf-spine", oversubscription=3)[""]


def test_a_rate_needs_hosts() -> None:
    assert "`hosts_per_leaf`" in refused("leaf-spine", host_bandwidth="1 Gbit", hosts_per_leaf=0)[""]


def test_an_uplink_beyond_all_rates_is_refused() -> None:
    found = refused("leaf-spine", host_bandwidth="4 Tbit", hosts_per_leaf=48)
    assert "each uplink would have 9.6e+13 bit/s" in found[""]
