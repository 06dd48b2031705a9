import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from topologies.build import build, open_topology
from topologies.pictures import html
from topologies.pictures.data import page_data
from topologies.spec.load import load_text
from topologies.topology import Topology

EXAMPLES = Path(__file__).parents[4] / "topologies" / "examples"
CHROMIUM = shutil.which("chromium")


def made(topology: str) -> Topology:
    return build(load_text(f"name: t\ntopology: {topology}\n"))


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_the_page_holds_every_node_and_link_of_a_small_graph() -> None:
    topology = made("{generator: fat-tree, k: 4}")
    data = data_of(html(topology))
    assert sorted(atom["name"] for atom in data["atoms"]) == sorted(topology.names)
    assert len(data["links"]) == topology.link_count
    node = [topology.names.find(atom["name"]) for atom in data["atoms"]]
    drawn = {frozenset([(node[a], p), (node[b], q)]) for a, b, _, _, p, q in data["links"]}
    ends, ports = topology.ends.tolist(), topology.ports.tolist()
    assert drawn == {frozenset(zip(*link, strict=True)) for link in zip(ends, ports, strict=True)}
    host = next(atom for atom in data["atoms"] if atom["name"] == "h1")
    assert ["address", "10.0.0.1/8"] in host["facts"]


def test_a_million_nodes_are_all_in_reach_of_a_small_page() -> None:
    topology = open_topology(EXAMPLES / "region-1m.yaml")
    page = html(topology)
    assert len(page) < 600_000
    data = data_of(page)
    assert len(data["atoms"]) <= 4000
    assert sum(atom["count"] for atom in data["atoms"]) == topology.node_count
    index = topology.names.find("z3p7r12h4")
    assert index is not None
    holders = [a for a in data["atoms"] if any(low <= index <= high for low, high in a.get("ranges", []))]
    assert len(holders) == 1
    assert holders[0]["kind"] == "host"
    assert sum(link[2] for link in data["links"]) <= topology.link_count


@pytest.mark.parametrize(
    "family",
    ["{generator: fat-tree, k: 8}", "{generator: torus, dims: [5, 5], hosts_per_switch: 3}",
     "{generator: torus, dims: [40, 40]}", "{generator: tree, depth: 2, fanout: 32}"],
)  # fmt: skip
def test_groups_nest_and_links_join_atoms(family: str) -> None:
    data = page_data(made(family))
    groups, atoms = data["groups"], data["atoms"]
    assert all(group["parent"] < at for at, group in enumerate(groups))
    assert all(-1 <= atom["group"] < len(groups) for atom in atoms)
    assert all(0 <= a < len(atoms) and 0 <= b < len(atoms) and a != b for a, b, *_ in data["links"])
    assert all(0 <= atom["tier"] < len(data["tiers"]) for atom in atoms)
    assert sum(tier["count"] for tier in data["tiers"]) == sum(atom["count"] for atom in atoms)
    assert data["layered"] or all("x" in atom and "y" in atom for atom in atoms)


def test_routed_networks_show_their_addresses() -> None:
    text = "name: r\nforwarding: routed\ntopology: {generator: leaf-spine}\n"
    data = page_data(build(load_text(text)))
    facts = {atom["name"]: dict(atom["facts"]) for atom in data["atoms"]}
    assert facts["h1"]["address"].startswith("10.")
    assert "172.16." in facts["spine1"]["address"]


def test_link_limits_are_in_words() -> None:
    text = (
        "name: l\ntopology: {generator: single}\n"
        "links: [{bandwidth: 10 Mbit, delay: 5 ms, backward: {loss: 2 %}, mtu: 1400}]\n"
    )
    words = [profile["words"] for profile in page_data(build(load_text(text)))["profiles"]]
    assert "→ 10 Mbit · 5 ms, ← 10 Mbit · 5 ms · loss 2 % · MTU 1400" in words


def test_a_page_loads_nothing_and_names_are_no_code() -> None:
    topology = made(
        "{nodes: {h1: {}, s1: {kind: switch, tier: '</script><script>x()//'}}, links: [[h1, s1]]}"
    )
    page = html(replace(topology, name="</title><script>y()</script>"))
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "default-src 'none'" in page
    assert set(re.findall(r"https?://[^\"'` )]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert data_of(page)["tiers"][0]["word"] == "</script><script>x()//"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
@pytest.mark.parametrize(
    ("example", "anchor", "items", "words"),
    [
        ("fat-tree.yaml", "", 36, ["16 hosts"]),
        ("fat-tree.yaml", "#h7", 36, ["10.0.0.7/8"]),
        ("region-1m.yaml", "", 36, ["195,000"]),
        ("region-1m.yaml", "#z3p7r12h4", 16 + 4 * 4 + 16 + 50 * 3, ["z3p7r12h4", "3,900"]),
        ("att-like.yaml", "", 44, ["Quebec-exchange"]),
        ("compose.yaml", "", 58, ["west.h16", "east.h1"]),
    ],
)
def test_a_browser_draws_the_page(
    tmp_path: Path, example: str, anchor: str, items: int, words: list[str]
) -> None:
    page = tmp_path / "page.html"
    page.write_text(html(open_topology(EXAMPLES / example)), encoding="utf-8")
    quiet = ("gpu", "quic", "background-networking", "component-update", "sync")
    flags = ["--headless", "--no-sandbox", "--no-first-run", "--virtual-time-budget=2000", "--dump-dom"]
    flags += [f"--disable-{what}" for what in quiet]
    done = subprocess.run(
        [str(CHROMIUM), *flags, f"--user-data-dir={tmp_path / 'profile'}", f"file://{page}{anchor}"],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    assert done.stdout.count('class="item') == items
    drawn = done.stdout.partition("</svg>")[0] + done.stdout.partition('id="side"')[2].partition("<script")[0]
    shown = drawn + done.stdout.partition("<header>")[2].partition("</header>")[0]
    assert all(word in shown for word in words)
    found = [
        re.findall(r' (x|width)="([^"]*)"', rect) for rect in re.findall(r'<rect class="panel"[^>]*>', drawn)
    ]
    panels = sorted((float(dict(keys)["x"]), float(dict(keys)["width"])) for keys in found)
    assert all(x + wide <= after for (x, wide), (after, _) in pairwise(panels))
    assert len(panels) == {"compose.yaml": 5, "fat-tree.yaml": 4}.get(example, len(panels))
