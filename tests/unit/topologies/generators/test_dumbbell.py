from __future__ import annotations

from support.topologies import edges, make, refused

from topologies.profiles import LinkProfile, Shape


def test_shape() -> None:
    topology = make("dumbbell", left=2, right=1)
    assert edges(topology) == {"s1-s2", "h1-s1", "h2-s1", "h3-s2"}
    assert topology.groups.tolist() == [0, 1, 0, 0, 1]


def test_only_the_bottleneck_is_shaped() -> None:
    shape = {"bandwidth": "10 Mbit", "backward": {"bandwidth": "5 Mbit"}, "mtu": 1400}
    topology = make("dumbbell", left=2, right=2, bottleneck=shape)
    profiles = [topology.link_profile_of(link) for link in range(topology.link_count)]
    assert profiles == [LinkProfile()] * 4 + [LinkProfile(Shape(bandwidth=1e7), Shape(bandwidth=5e6), 1400)]


def test_a_wrong_bottleneck_is_told_at_its_key() -> None:
    found = refused("dumbbell", bottleneck={"bandwith": "1 Gbit", "delay": "5 parsec"})
    assert "bandwidth" in found["bottleneck.bandwith"]
    assert "parsec" in found["bottleneck.delay"]
