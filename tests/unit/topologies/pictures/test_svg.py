import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from topologies.build import build, open_topology
from topologies.pictures import svg
from topologies.pictures.curves import at, curve
from topologies.pictures.fold import MAX_ITEMS
from topologies.pictures.scene import TIMES, WIDTH, scene
from topologies.spec.load import load_text
from topologies.topology import Topology

ROOT = Path(__file__).parents[4]
SVG = "{http://www.w3.org/2000/svg}"
FAMILIES = [
    "{generator: single, hosts: 5}", "{generator: linear, k: 5, hosts_per_switch: 2}",
    "{generator: tree, depth: 3, fanout: 3}", "{generator: fat-tree, k: 4}", "{generator: fat-tree, k: 8}",
    "{generator: fat-tree, k: 24}", "{generator: torus, dims: [6, 6]}", "{generator: torus, dims: [3, 4, 5]}",
    "{generator: ring, k: 9}", "{generator: leaf-spine}", "{generator: jellyfish}", "{generator: waxman}",
    "{generator: dumbbell}", "{generator: bcube}", "{generator: dcell}", "{generator: vl2}",
    "{generator: core-aggregation-edge}", "{generator: tree, depth: 2, fanout: 32}",
    "{generator: torus, dims: [40, 40]}", "{nodes: {h1: {}}}", "{nodes: {h1: {}, h2: {}}, links: [[h1, h2]]}",
    "{nodes: {r1: {kind: router}, r2: {kind: router}, r3: {kind: router}}, links: [[r1, r2]]}",
]  # fmt: skip


def made(topology: str) -> Topology:
    return build(load_text(f"name: t\ntopology: {topology}\n"))


def drawn_items(text: str) -> list[ET.Element]:
    """Return the item groups of a picture; ParseError when it isn't XML."""
    root = ET.fromstring(text)  # noqa: S314 -- our own output
    return [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_drawn_inside_the_canvas(family: str) -> None:
    topology = made(family)
    text = svg(topology)
    items = drawn_items(text)
    assert 1 <= len(items) <= MAX_ITEMS
    found = scene(topology)
    assert found.fold.count.sum() == topology.node_count
    assert (found.x > 0).all()
    assert (found.x < WIDTH).all()
    assert (found.y > 0).all()
    assert (found.y < found.height).all()
    apart = np.hypot(found.x[:, None] - found.x, found.y[:, None] - found.y) + np.eye(len(items)) * 99
    assert apart.min() > 2


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_topology_gives_the_same_picture(family: str) -> None:
    assert svg(made(family)) == svg(made(family))


def test_small_graphs_show_every_node_and_link_by_name() -> None:
    topology = made("{generator: fat-tree, k: 4}")
    text = svg(topology)
    titles = [group.findtext(f"{SVG}title") for group in drawn_items(text)]
    assert sorted(map(str, titles)) == sorted(topology.names)
    assert text.count("<path ") == topology.link_count
    assert "folded" not in text


def test_rows_are_cores_above_hosts() -> None:
    topology = made("{generator: fat-tree, k: 4}")
    found = scene(topology)
    heights = {tier: set(found.y[topology.tiers == at]) for at, tier in enumerate(topology.tier_names)}
    assert all(len(values) == 1 for values in heights.values())
    order = sorted(heights, key=lambda tier: min(heights[tier]))
    assert order == ["core", "aggregation", "edge", "host"]


COMPOSED = """
  compose:
    east: {generator: fat-tree, k: 4}
    west: {generator: leaf-spine, spines: 3, leaves: 2, hosts_per_leaf: 2}
    a-long-name: {generator: tree, depth: 2, fanout: 2}
  links: [[east.c1, west.spine1], [east.c4, west.spine2], [east.c2, a-long-name.s1]]
"""


def rectangles(text: str, css: str) -> list[tuple[float, float, float, float]]:
    """Return (left, top, right, bottom) of the rectangles with a class."""
    root = ET.fromstring(text)  # noqa: S314 -- our own output
    found = [one for one in root.iter(f"{SVG}rect") if one.get("class") == css]
    boxes = [[float(one.get(key, "nan")) for key in ("x", "y", "width", "height")] for one in found]
    return [(x, y, x + wide, y + high) for x, y, wide, high in boxes]


@pytest.mark.parametrize(
    "family", [*FAMILIES, COMPOSED, "{generator: fat-tree, k: 6}", "{generator: region, zones: 3}"]
)
def test_groups_do_not_overlap_and_hold_their_nodes(family: str) -> None:
    text = svg(made(family))
    panels = sorted(rectangles(text, "panel"))
    assert all(right <= next_left for (*_, right, _), (next_left, *_) in pairwise(panels))
    top = min((panel[1] for panel in panels), default=0)
    for left, upper, right, lower in rectangles(text, "card") if panels else []:
        if upper > top:
            assert any(p[0] <= left and right <= p[2] and lower <= p[3] for p in panels)


def test_composed_parts_are_panels() -> None:
    assert len(rectangles(svg(made(COMPOSED)), "panel")) > 3


@pytest.mark.parametrize("family", FAMILIES)
def test_every_node_that_is_drawn_has_its_name_inside_of_the_picture(family: str) -> None:
    topology = made(family)
    text = svg(topology)
    root = ET.fromstring(text)  # noqa: S314 -- our own output
    height = float(root.get("viewBox", "").split()[3])
    names = set(topology.names) if topology.node_count < 1000 else set()
    for group in drawn_items(text):
        name = group.findtext(f"{SVG}title")
        if name in names:
            (label,) = [one for one in group.iter(f"{SVG}text") if str(one.text).startswith(name)]
            size = float(re.findall(r"font-size:([0-9.]+)px", label.get("style", "font-size:10.5px"))[0])
            assert 2 < size <= 11
            if "rotate" in label.get("transform", ""):
                y = float(re.findall(r"translate\(\S+ (\S+)\)", label.get("transform", ""))[0])
                assert y + 84 + len(name) * 0.6 * size < height - 36, "above the legend"


def test_a_picture_scales() -> None:
    root = ET.fromstring(svg(made("{generator: fat-tree, k: 4}")))  # noqa: S314 -- our own output
    assert root.get("viewBox", "").startswith("0 0 1200 ")
    assert (root.get("width"), root.get("height")) == (None, None)


def rates(topology: str, links: str) -> list[str]:
    """Return the rates in a picture."""
    text = svg(build(load_text(f"name: t\ntopology: {topology}\nlinks: {links}\n")), rates=True)
    root = ET.fromstring(text)  # noqa: S314 -- our own output
    (found,) = [group for group in root.iter(f"{SVG}g") if group.get("class") == "rates"]
    plates, labels = found.findall(f"{SVG}rect"), found.findall(f"{SVG}text")
    assert all(float(a.get("y", 0)) < float(b.get("y", 0)) for a, b in zip(plates, labels, strict=True))
    return sorted(str(label.text) for label in labels)


def test_rates_tell_both_directions_and_the_number_of_links_behind_one() -> None:
    two = "{nodes: {h1: {}, h2: {}}, links: [[h1, h2]]}"
    assert rates(two, "[{match: {}, bandwidth: 10 Mbit}]") == ["10 Mbit"]
    assert rates(two, "[{match: {}, delay: 1 ms}]") == []
    assert rates(two, "[{match: {}, bandwidth: 1 Gbit, backward: {bandwidth: 10 Mbit}}]") == [
        "10 Mbit to 1 Gbit"
    ]
    many = "{generator: tree, depth: 2, fanout: 32}"
    found = rates(many, "[{match: {between: [host, switch]}, bandwidth: 10 Mbit}]")
    assert found == [f"32 {TIMES} 10 Mbit"] * 32
    mixed = rates(many, "[{match: {between: [h1, switch]}, bandwidth: 10 Mbit}]")
    assert mixed == [f"32 {TIMES} 10 Mbit to no limit"]


@pytest.mark.parametrize("family", FAMILIES)
def test_curves_end_at_their_nodes(family: str) -> None:
    found = scene(made(family))
    for a, b in found.fold.links.tolist()[:200]:
        points = curve(found, a, b)
        for share in (0.0, 1.0):
            x, y = at(points, share)
            assert min(np.hypot(found.x[[a, b]] - x, found.y[[a, b]] - y)) < 1e-9


def test_a_folded_picture_says_what_is_folded() -> None:
    topology = open_topology(ROOT / "topologies/examples/tree-1024.yaml")
    text = svg(topology)
    assert "folded: 32 \u00d7 (32 host)" in text
    assert len(drawn_items(text)) == 1 + 32 + 32


def test_a_million_nodes_fold_into_zones() -> None:
    text = svg(open_topology(ROOT / "topologies/examples/region-1m.yaml"))
    assert len(drawn_items(text)) == 16 + 5 * 4
    assert "folded: 5 \u00d7 (16 spine + 200 fabric + 5,000 edge + 195,000 host)" in text
    assert len(text) < 60_000


def test_coordinates_place_nodes() -> None:
    topology = open_topology(ROOT / "topologies/examples/att-like.yaml")
    found = scene(topology)
    place = {
        topology.names[int(node)]: (x, y)
        for node, x, y in zip(found.fold.first, found.x, found.y, strict=True)
    }
    assert place["Seattle"][0] < place["Denver"][0] < place["Chicago"][0] < place["Boston"][0]
    assert place["Seattle"][1] < place["San-Francisco"][1] < place["Phoenix"][1] < place["Miami"][1]


def test_names_and_tiers_are_never_markup() -> None:
    topology = made("{nodes: {h1: {}, s1: {kind: switch, tier: '<script>x</script>'}}, links: [[h1, s1]]}")
    text = svg(replace(topology, name='"><script>y</script>'))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    drawn_items(text)


def test_nothing_is_loaded_from_elsewhere() -> None:
    text = svg(made("{generator: fat-tree, k: 4}"))
    assert re.findall(r"https?://[^\"' ]+", text) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme:dark" in text


def test_the_readme_picture_is_what_the_code_draws() -> None:
    text = svg(open_topology(ROOT / "topologies/examples/fat-tree.yaml"))
    assert (ROOT / "docs/images/fat-tree.svg").read_text(encoding="utf-8") == text


def test_light_ports_are_a_number_at_their_compute_hosts() -> None:
    made = build(load_text("name: v\ntopology: {generator: vpc, vpcs: 2, ports: 10, hosts: 4}\n"))
    words = "".join(ET.fromstring(svg(made)).itertext())  # noqa: S314 -- our own output
    assert "folded: 20 light ports on 4 compute hosts" in words
    assert words.count(f"{TIMES}5 ports") == 4
    assert "h1, 5 light ports" in words
    assert "v1s1p1" not in words
    assert "host · 4" in words


def test_a_million_light_ports_are_drawn_as_quickly_as_their_hosts() -> None:
    made = build(load_text("name: v\ntopology: {generator: vpc, vpcs: 1, ports: 1000000, hosts: 100}\n"))
    drawn = svg(made)
    assert "1,000,000 light ports on 100 compute hosts" in drawn
    assert len(drawn) < 100_000


@pytest.mark.parametrize(
    "topology",
    FAMILIES + [f"{{generator: vpc, ports: {8 * hosts}, hosts: {hosts}}}" for hosts in (2, 4, 16, 60, 120)],
)
def test_names_below_hosts_end_inside_their_panel(topology: str) -> None:
    root = ET.fromstring(svg(made(topology)))  # noqa: S314 -- our own output
    ends = [
        float(r.attrib["y"]) + float(r.attrib["height"])
        for r in root.iter(f"{SVG}rect")
        if r.get("class") == "panel"
    ]
    assert all(
        _bottom(text) < max(ends) - 4 for text in root.iter(f"{SVG}text") if text.get("class") == "n" and ends
    )


def _bottom(text: ET.Element) -> float:
    """Return the lowest pixel of a name, upright or from the top down."""
    turned = re.search(r"translate\((\S+) (\S+)\) rotate", text.get("transform", ""))
    if not turned:
        return float(text.attrib["y"]) + 2
    size = float(re.findall(r"font-size:([\d.]+)px", text.attrib["style"])[0])
    return float(turned[2]) + len("".join(text.itertext())) * 0.6 * size
