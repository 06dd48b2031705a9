import io
import time
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from topologies.build import build
from topologies.errors import InputError
from topologies.formats import graphml
from topologies.formats.graph import FormatError, Graph
from topologies.spec.load import load_text
from topologies.topology import Kind, Topology

EXAMPLES = Path(__file__).parents[4] / "topologies" / "examples"
ZOO = EXAMPLES / "att-like.graphml"
HEAD = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
BOMB = f"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
{HEAD}<graph><node id="&c;"/></graph></graphml>"""


def read(text: str) -> Graph:
    return graphml.read(io.BytesIO(text.encode()))


def wrapped(body: str, keys: str = "", kind: str = "undirected") -> str:
    return f'{HEAD}{keys}<graph edgedefault="{kind}">{body}</graph></graphml>'


def imported(folder: Path, text: str, options: str = "") -> Topology:
    (folder / "g.graphml").write_text(text, encoding="utf-8")
    return build(load_text(f"name: g\ntopology: {{file: g.graphml{options}}}\n", folder=folder))


def test_same_graph_as_networkx_reads() -> None:
    with ZOO.open("rb") as file:
        mine = graphml.read(file)
    theirs = nx.read_graphml(ZOO, force_multigraph=True)
    assert {key: dict(value) for key, value in mine.nodes.items()} == dict(theirs.nodes(data=True))
    found = sorted((e.source, e.target, sorted(e.attributes.items())) for e in mine.edges)
    assert found == sorted((a, b, sorted(d.items())) for a, b, d in theirs.edges(data=True))


def test_zoo_file_as_it_is() -> None:
    options = ", hosts_per_node: 1, delay_from: coordinates, bandwidth_from: LinkSpeedRaw"
    text = f"name: z\ntopology: {{file: att-like.graphml{options}}}\n"
    made = build(load_text(text, folder=EXAMPLES))
    assert made.kind_counts() == {"host": 22, "switch": 22}
    assert list(made.names)[18:24] == ["New-York", "New-York-2", "Boston", "Quebec-exchange", "h1", "h2"]
    profile = made.link_profile_of(0)  # Seattle - San Francisco, 1,090 km by great circle
    assert profile.forward.bandwidth == 10e9
    assert profile.forward.delay == profile.backward.delay == pytest.approx(1_090e3 / 199_861_639, rel=2e-3)
    last = made.link_profile_of(30)  # Boston - Quebec: no speed, no coordinates
    assert made.names[int(made.ends[30, 1])] == "Quebec-exchange"
    assert last.is_plain
    parallel = [tuple(ends) for ends in made.ends.tolist()].count((18, 19))
    assert parallel == 2
    assert made.positions is not None
    assert np.isfinite(made.positions).all()


def test_external_nodes_can_be_left_out() -> None:
    text = "name: z\ntopology: {file: att-like.graphml, external: drop}\n"
    made = build(load_text(text, folder=EXAMPLES))
    assert made.names.find("Quebec-exchange") is None
    assert made.node_count == 21


def test_hyperedge_nodes_are_switches_without_hosts(tmp_path: Path) -> None:
    keys = '<key id="h" for="node" attr.name="hyperedge" attr.type="boolean"/>'
    body = '<node id="0"/><node id="1"><data key="h">1</data></node><edge source="0" target="1"/>'
    made = imported(tmp_path, wrapped(body, keys), ", hosts_per_node: 2")
    assert made.kind_counts() == {"host": 2, "switch": 2}
    assert made.degrees.tolist() == [3, 1, 1, 1]


def test_defaults_of_keys_count_and_yed_labels_name_nodes(tmp_path: Path) -> None:
    keys = '<key id="k" for="node" attr.name="kind" attr.type="string"><default>host</default></key>'
    label = (
        '<data key="g"><y:ShapeNode xmlns:y="urn:y"><y:NodeLabel> A  b </y:NodeLabel></y:ShapeNode></data>'
    )
    body = f'<node id="n0">{label}</node><node id="n1"/><edge source="n0" target="n1"/>'
    made = imported(tmp_path, wrapped(body, keys))
    assert list(made.names) == ["A-b", "n1"]
    assert made.kinds.tolist() == [Kind.HOST, Kind.HOST]


def test_directed_twins_are_one_link_with_two_directions(tmp_path: Path) -> None:
    keys = '<key id="d" for="edge" attr.name="delay" attr.type="double"/>'
    body = (
        '<node id="a"/><node id="b"/><edge source="a" target="b"><data key="d">0.001</data></edge>'
        '<edge source="b" target="a"><data key="d">0.002</data></edge><edge source="a" target="b"/>'
    )
    made = imported(tmp_path, wrapped(body, keys, "directed"))
    assert made.link_count == 2
    profile = made.link_profile_of(0)
    assert (profile.forward.delay, profile.backward.delay) == (0.001, 0.002)


def test_bomb_is_refused_at_its_doctype_and_at_once() -> None:
    started = time.perf_counter()
    with pytest.raises(FormatError, match="DOCTYPE") as caught:
        read(BOMB)
    assert caught.value.line == 2
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("<html/>", "starts with <html>", 1),
        ("<graphml>", "is not XML: no element found", 1),
        ("\x00\x01", "is not XML", 1),
        (wrapped(""), "has no nodes", 0),
        (wrapped('\n<node id="a"/>\n<node id="a"/>'), "`a` is already used", 3),
        (wrapped('<node id="a"/>\n<edge source="a" target="b"/>'), "an edge ends at `b`", 2),
        (wrapped("<node/>"), "<node> has no `id`", 1),
        (wrapped('<node id="a"/><edge source="a"/>'), "<edge> has no `target`", 1),
        (wrapped('<node id="a"/><hyperedge/>'), "joins more than two", 1),
        ("<graphml>" + "<graph>" * 300, "nested more than 256 deep", 1),
    ],
)
def test_malformed_files_say_how_to_fix_them(text: str, words: str, line: int) -> None:
    with pytest.raises(FormatError) as caught:
        read(text)
    assert words in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('<data key="k">gateway</data>', "g.graphml:2: kind `gateway` is not known"),
        ('<data key="ip">10.0.0.300/8</data>', "g.graphml:2: ip: `10.0.0.300/8` is not an address"),
        ('<data key="ip">10.0.0.1/8@99999</data>', "is not a whole number from 0 to 65534"),
        ('<data key="m">lots</data>', "g.graphml:2: memory: "),
    ],
)
def test_wrong_values_name_file_and_line(tmp_path: Path, data: str, words: str) -> None:
    keys = "".join(
        f'<key id="{key}" for="node" attr.name="{name}" attr.type="string"/>'
        for key, name in (("k", "kind"), ("ip", "ip"), ("m", "memory"))
    )
    with pytest.raises(InputError) as caught:
        imported(tmp_path, wrapped(f'\n<node id="a">{data}</node>', keys))
    assert words in str(caught.value)
    assert str(caught.value).startswith("<text>:2:")
    assert "\n" not in str(caught.value)


def test_self_loops_are_refused_until_they_are_dropped(tmp_path: Path) -> None:
    body = '<node id="a"/><node id="b"/><edge source="a" target="a"/><edge source="a" target="b"/>'
    with pytest.raises(InputError, match="linked to itself"):
        imported(tmp_path, wrapped(body))
    assert imported(tmp_path, wrapped(body), ", self_loops: drop").link_count == 1


def test_delays_need_coordinates_of_the_earth(tmp_path: Path) -> None:
    body = '<node id="a"/><node id="b"/><edge source="a" target="b"/>'
    with pytest.raises(InputError, match="has no coordinates"):
        imported(tmp_path, wrapped(body), ", delay_from: coordinates")
    keys = "".join(f'<key id="{k}" for="node" attr.name="{k}" attr.type="double"/>' for k in "xy")
    far = '<data key="x">900</data><data key="y">1</data>'
    body = f'<node id="a">{far}</node><node id="b">{far}</node><edge source="a" target="b"/>'
    with pytest.raises(InputError, match="no longitudes and latitudes"):
        imported(tmp_path, wrapped(body, keys), ", delay_from: coordinates")
