"""jellyfish, erdos-renyi, barabasi-albert, waxman."""

from __future__ import annotations

from math import pi

import networkx as nx
import numpy as np
import pytest
from support.topologies import edges, make, refused

from topologies.generators.jellyfish import connected_regular
from topologies.rng import Stream


@pytest.mark.parametrize("n", range(3, 14))
def test_jellyfish_every_small_regular_graph(n: int) -> None:
    for degree in range(2, n):
        if n * degree % 2:
            continue
        graph = nx.Graph(connected_regular(Stream(n, "t"), n, degree).tolist())
        assert set(dict(graph.degree).values()) == {degree}
        assert nx.is_connected(graph)
        assert graph.number_of_nodes() == n


def test_jellyfish_large_and_dense() -> None:
    graph = nx.Graph(connected_regular(Stream(0), 300, 140).tolist())
    assert set(dict(graph.degree).values()) == {140}


def test_jellyfish_two_switches() -> None:
    assert edges(make("jellyfish", switches=2, ports=2, degree=1)) == {"s1-s2", "h1-s1", "h2-s2"}


def test_jellyfish_is_random_and_repeatable() -> None:
    first, again, other = (make("jellyfish", seed=seed) for seed in (1, 1, 2))
    assert edges(first) == edges(again) != edges(other)


def test_jellyfish_has_short_paths() -> None:
    """As random graphs have: for 200 switches of degree 10 the mean is near ln n / ln r = 2.3."""
    topology = make("jellyfish", switches=200, ports=10, degree=10)
    assert 2.0 < nx.average_shortest_path_length(topology.to_networkx()) < 2.6


@pytest.mark.parametrize(
    ("switches", "ports", "degree", "words"),
    [
        (10, 4, 5, "`degree` can't be more than `ports`: write at most 4, got 5"),
        (4, 6, 4, "`degree` must be less than `switches`: write at most 3, got 4"),
        (5, 6, 3, "write 6 switches or a `degree` of 4"),
        (4, 6, 1, "write at least 2"),
    ],
)
def test_jellyfish_that_can_t_be(switches: int, ports: int, degree: int, words: str) -> None:
    assert words in refused("jellyfish", switches=switches, ports=ports, degree=degree)[""]


def test_erdos_renyi_has_as_many_links_as_expected() -> None:
    """p n (n-1) / 2 = 49,950 links; the standard deviation is 212."""
    topology = make("erdos-renyi", n=1000, p=0.1, hosts_per_switch=0)
    assert abs(topology.link_count - 49_950) < 5 * 212


def test_erdos_renyi_degrees_are_spread_as_binomial() -> None:
    topology = make("erdos-renyi", n=2000, p=0.02, hosts_per_switch=0)
    assert topology.degrees.mean() == pytest.approx(2000 * 0.02, rel=0.03)
    assert topology.degrees.var() == pytest.approx(2000 * 0.02 * 0.98, rel=0.15)


def test_erdos_renyi_complete() -> None:
    assert make("erdos-renyi", n=40, p=1.0, hosts_per_switch=0).link_count == 780


def test_erdos_renyi_in_pieces_is_joined_by_as_few_links_as_can_be() -> None:
    loose = make("erdos-renyi", n=300, p=0.004, connected=False, hosts_per_switch=0)
    whole = make("erdos-renyi", n=300, p=0.004, hosts_per_switch=0)
    count = nx.number_connected_components(loose.to_networkx())
    assert count > 1
    assert whole.link_count == loose.link_count + count - 1
    assert nx.is_connected(whole.to_networkx())


def test_erdos_renyi_without_links() -> None:
    assert make("erdos-renyi", n=5, p=0, connected=False, hosts_per_switch=0).link_count == 0


def test_barabasi_albert_starts_from_a_star() -> None:
    assert edges(make("barabasi-albert", n=4, m=3, hosts_per_switch=0)) == {"s1-s2", "s1-s3", "s1-s4"}


def test_barabasi_albert_is_scale_free() -> None:
    """The exponent of the degree distribution is 3: P(degree >= 10) = about m (m+1) / (10 x 11)."""
    topology = make("barabasi-albert", n=20_000, m=2, hosts_per_switch=0)
    share = np.count_nonzero(topology.degrees >= 10) / 20_000
    assert share == pytest.approx(2 * 3 / (10 * 11), rel=0.15)
    assert topology.degrees.max() > 150
    assert (topology.degrees[3:] >= 2).all()


def test_barabasi_albert_m_below_n() -> None:
    assert refused("barabasi-albert", n=3, m=3) == {"": "`m` must be less than `n`: write at most 2, got 3"}


def test_waxman_prefers_near_pairs() -> None:
    topology = make("waxman", n=1500, alpha=0.05, beta=0.5, hosts_per_switch=0)
    place = topology.positions
    length = np.linalg.norm(place[topology.ends[:, 0]] - place[topology.ends[:, 1]], axis=1)
    reach = 0.05 * 2**0.5 * 1000
    expected = 0.5 * 1500 * 1499 / 2 * 2 * pi * (reach / 1000) ** 2  # less what lies beyond the square's edge
    assert 0.8 * expected < topology.link_count < expected
    assert np.mean(length) == pytest.approx(2 * reach, rel=0.1)


def test_waxman_positions_are_in_the_square_and_hosts_at_their_switch() -> None:
    topology = make("waxman", n=10, side_km=50.0, hosts_per_switch=2)
    assert topology.positions.shape == (30, 2)
    assert topology.positions.min() >= 0
    assert topology.positions.max() <= 50
    assert (topology.positions[10:12] == topology.positions[0]).all()


def test_waxman_delay_is_light_in_fibre() -> None:
    topology = make("waxman", n=30, delay=True)
    for link, (a, b) in enumerate(topology.ends.tolist()):
        delay = topology.shape(link, 0).delay
        if topology.kinds[a] != topology.kinds[b]:
            assert delay is None
        else:
            km = float(np.linalg.norm(topology.positions[a] - topology.positions[b]))
            assert delay == pytest.approx(km * 5e-6, abs=5.1e-6) or delay == pytest.approx(1e-5)
            assert topology.shape(link, 1).delay == delay


def test_waxman_at_the_edge_of_its_parameters() -> None:
    topology = make("waxman", n=20, alpha=1e-6, beta=5e-324, side_km=0.001, delay=True)
    assert topology.link_count == 20 + 19


def test_waxman_of_one_switch_has_nothing_to_delay() -> None:
    assert make("waxman", n=1, delay=True).link_count == 1


def test_waxman_too_many_pairs() -> None:
    found = refused("waxman", n=1_000_000, beta=0.4)
    assert found[""].endswith("for n = 1,000,000 write a `beta` of at most 0.0004")


def test_another_seed_gives_another_graph() -> None:
    for name in ("erdos-renyi", "barabasi-albert", "waxman"):
        assert edges(make(name, seed=1)) != edges(make(name, seed=2))
