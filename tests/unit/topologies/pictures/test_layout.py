import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topologies.build import build
from topologies.pictures.fold import best, folded
from topologies.pictures.force_layout import distances, placed
from topologies.pictures.hierarchy import hierarchy
from topologies.pictures.lattice import grid_places
from topologies.pictures.layers import layers
from topologies.pictures.row_layout import spread
from topologies.spec.load import load_text
from topologies.topology import I64, Topology


def made(topology: str) -> Topology:
    return build(load_text(f"name: t\ntopology: {topology}\n"))


def links_of(graph: nx.Graph) -> I64:
    return np.array(sorted(tuple(sorted(edge)) for edge in graph.edges), dtype=np.int64).reshape(-1, 2)


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=40), st.floats(0.5, 50))
def test_spread_keeps_order_distance_and_centre(wanted: list[float], gap: float) -> None:
    places = spread(np.array(wanted), gap)
    assert (np.diff(places) >= gap - 1e-6).all()
    assert places.mean() == pytest.approx(np.mean(wanted), abs=1e-6)


def test_spread_leaves_what_is_apart_already() -> None:
    np.testing.assert_allclose(spread(np.array([0.0, 10.0, 30.0]), 5), [0, 10, 30])
    np.testing.assert_allclose(spread(np.array([10.0, 10.0]), 4), [8, 12])


def test_layers_of_tiered_and_flat_families() -> None:
    found = layers(made("{generator: region, zones: 2, pods: 2, racks: 2, hosts: 2}"))
    assert found is not None
    assert sorted(set(found.tolist())) == [0, 1, 2, 3, 4]
    for flat in ("{generator: ring, k: 8}", "{generator: jellyfish}", "{generator: waxman}"):
        assert layers(made(flat)) is None


def test_hierarchy_of_a_region_is_its_zones_pods_and_racks() -> None:
    topology = made("{generator: region, zones: 2, pods: 3, racks: 4, hosts: 5}")
    tree = hierarchy(topology)
    hosts = topology.hosts
    sizes = [len(np.unique(labels[hosts])) for labels in tree.groups]
    assert sizes[:3] == [2, 6, 24]


def test_fold_counts_every_node_and_link_once() -> None:
    topology = made("{generator: fat-tree, k: 16}")
    fold = best(topology, hierarchy(topology))
    assert fold.count.sum() == topology.node_count
    ends = np.sort(fold.item[topology.ends], axis=1)
    inside = int((ends[:, 0] == ends[:, 1]).sum())
    assert fold.widths.sum() + inside == topology.link_count
    whole = folded(topology, hierarchy(topology), None)
    assert len(whole) == topology.node_count
    np.testing.assert_array_equal(whole.item, np.arange(topology.node_count))


def test_many_flat_switches_are_grouped_by_nearness() -> None:
    topology = made("{generator: torus, dims: [40, 40]}")
    tree = hierarchy(topology)
    fold = best(topology, tree)
    assert len(fold) <= 200
    assert fold.count.sum() == 3200


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("dims", [(3, 3), (4, 6), (6, 4), (3, 3, 4)])
def test_grids_and_tori_are_recognised(dims: tuple[int, ...], *, periodic: bool) -> None:
    graph = nx.convert_node_labels_to_integers(
        nx.grid_graph(dims[::-1], periodic=periodic), ordering="sorted"
    )
    places = grid_places(graph.number_of_nodes(), links_of(graph))
    assert places is not None
    assert len(np.unique(places.round(6), axis=0)) == len(places)
    if len(dims) == 2:
        np.testing.assert_array_equal(np.ptp(places, axis=0), [dims[1] - 1, dims[0] - 1])


def test_other_graphs_are_no_grids() -> None:
    for graph in (nx.cycle_graph(12), nx.complete_graph(9), nx.petersen_graph(), nx.path_graph(12)):
        assert grid_places(graph.number_of_nodes(), links_of(graph)) is None
    torn = links_of(nx.convert_node_labels_to_integers(nx.grid_graph((4, 4)), ordering="sorted"))[1:]
    assert grid_places(16, torn) is None


def test_distances_are_hops() -> None:
    graph = nx.petersen_graph()
    expected = dict(nx.all_pairs_shortest_path_length(graph))
    found = distances(10, links_of(graph))
    assert all(found[a, b] == expected[a][b] for a in range(10) for b in range(10))


def test_a_ring_is_drawn_round_and_a_path_straight() -> None:
    ring = placed(12, links_of(nx.cycle_graph(12)))
    radius = np.linalg.norm(ring - ring.mean(axis=0), axis=1)
    assert radius.max() / radius.min() < 1.05
    path = placed(8, links_of(nx.path_graph(8)))
    assert np.ptp(path[:, 1]) < 0.05 * np.ptp(path[:, 0])
    apart = placed(6, np.array([[0, 1], [2, 3], [4, 5]]))
    assert np.isfinite(apart).all()
