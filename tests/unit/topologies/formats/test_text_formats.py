import io
from pathlib import Path

import pytest

from topologies.build import build
from topologies.errors import InputError
from topologies.formats import edge_list, node_link
from topologies.formats.assemble import assemble
from topologies.formats.graph import FormatError
from topologies.formats.import_options import Options
from topologies.formats.naming import host_prefix, sanitised, unique_names
from topologies.names import NODE_NAME
from topologies.spec.load import load_text
from topologies.topology import Kind, Topology

SAME_PORT = """{"nodes": [{"id": "a"}, {"id": "b"}], "edges": [
{"source": "a", "target": "b", "source_port": 1}, {"source": "a", "target": "b", "source_port": 1}]}"""


def edge_text(text: str) -> Topology:
    return assemble(edge_list.read(io.BytesIO(text.encode())), Options())


def test_every_form_of_an_edge() -> None:
    made = edge_text(
        "\ufeff# comment\n% another\n\na b\nb,c 2.5\tc\td 7 # why\n".replace("\tc", "\nc")
        + "a c {'delay': '5 ms'}\nd a {\"bandwidth\": 1e6, \"loss\": \"2 %\"}\nz {'kind': 'host'}\n"
    )
    assert list(made.names) == ["a", "b", "c", "d", "z"]
    assert made.kinds.tolist() == [Kind.SWITCH] * 4 + [Kind.HOST]
    assert made.ends.tolist() == [[0, 1], [1, 2], [2, 3], [0, 2], [3, 0]]
    assert made.link_profile_of(3).forward.delay == 0.005
    assert made.link_profile_of(4).backward.loss == 0.02
    assert made.ports.tolist() == [[1, 1], [2, 1], [2, 1], [2, 3], [2, 3]]


def test_weights_can_be_delays(tmp_path: Path) -> None:
    (tmp_path / "w.edges").write_text("a b 0.005\nb c 0\n", encoding="utf-8")
    made = build(load_text("name: w\ntopology: {file: w.edges, delay_from: weight}\n", folder=tmp_path))
    assert [made.link_profile_of(link).forward.delay for link in (0, 1)] == [0.005, None]


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("", "has no nodes", 0),
        ("a b\na b c d\n", "is not an edge", 2),
        ("a b c\n", "`c` is not a number", 1),
        ("a b {delay}\n", "attributes that are no mapping", 1),
        ("a b {'a': __import__('os')}\n", "attributes that are no mapping", 1),
        ("{'a': 1}\n", "has no name before its attributes", 1),
        ("a b\n" + "x" * 70_000, "is longer than", 2),
        ("a\0b c\n", "holds a NUL", 1),
    ],
)
def test_malformed_edge_lists(text: str, words: str, line: int) -> None:
    with pytest.raises(FormatError) as caught:
        edge_text(text)
    assert words in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "it needs a list `nodes`"),
        ('{"nodes": []}', "has no list `edges`"),
        ('{"nodes": [], "edges": []}', "has no nodes"),
        ('{"nodes": [1], "edges": []}', "nodes[0] is not a mapping"),
        ('{"nodes": [{}], "edges": []}', "nodes[0] has no `id`"),
        ('{"nodes": [{"id": 1}], "edges": [{"source": 1}]}', "edges[0] has no `target`"),
        ('{"nodes": [{"id": 1}], "edges": [{"source": 1, "target": 2}]}', "an edge ends at `2`"),
        ("[" * 200_000, "nested too deep"),
        ('{"nodes": [{"id": ' + "9" * 6000 + "}]}", "a number too long"),
    ],
)
def test_malformed_node_link(text: str, words: str) -> None:
    with pytest.raises(FormatError) as caught:
        node_link.read(io.BytesIO(text.encode()))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("no.graphml", None, "no.graphml: there is no such file"),
        ("dir.graphml", "DIR", "is not a file"),
        ("empty.graphml", "", "is empty"),
        ("x.csv", "a,b", "has none of the suffixes"),
        ("port.json", SAME_PORT, "port 1 of `a` is used by two links"),
        ("many.json", '{"nodes":[{"id":"a"}],"edges":[]}', "lower `hosts_per_node`"),
    ],
)  # fmt: skip
def test_files_that_cannot_be(tmp_path: Path, name: str, content: str | None, words: str) -> None:
    if content == "DIR":
        (tmp_path / name).mkdir()
    elif content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    hosts = ", hosts_per_node: 100000" if name.startswith("many") else ""
    if hosts:
        nodes = ",".join(f'{{"id":{n}}}' for n in range(200))
        (tmp_path / name).write_text(f'{{"nodes":[{nodes}],"edges":[]}}', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        build(load_text(f"name: g\ntopology: {{file: {name}{hosts}}}\n", folder=tmp_path))
    assert words in str(caught.value)
    assert "<text>:2:" in str(caught.value)


def test_labels_become_names() -> None:
    assert sanitised("São Paulo (GRU)") == "Sao-Paulo-GRU"
    assert sanitised("St. Louis") == "St-Louis"
    assert sanitised("s1.example") == "s1.example"
    assert sanitised("東京") == ""
    assert sanitised("-" + "x" * 99).startswith("x" * 60)
    names = unique_names(
        [("A b", "0"), ("A-b", "1"), ("A-b-2", "2"), ("東京", "3"), ("東京", "東"), ("a/b", "5")]
    )
    assert names == ["A-b", "A-b-3", "A-b-2", "3", "node", "a-b"]
    long = unique_names([("y" * 80, "0"), ("y" * 80, "1")])
    assert len(set(long)) == 2
    assert all(NODE_NAME.fullmatch(name) for name in [*names, *long])


def test_hosts_get_a_prefix_of_their_own() -> None:
    assert host_prefix(["a", "b1"]) == "h"
    assert host_prefix(["h1", "b1"]) == "host"
    assert host_prefix(["h1", "host7", "host-2"]) == "host-2-"
