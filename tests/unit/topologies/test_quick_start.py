"""Networks from one line: generators by position and by key, Mininet's names, errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from topologies.build import build
from topologies.errors import InputError
from topologies.families import GENERATORS
from topologies.quick_start import described_quickly, quick_start
from topologies.spec.load import load, load_text


@pytest.mark.parametrize(
    ("words", "hosts", "switches"),
    [
        ("minimal", 2, 1), ("single", 2, 1), ("single,3", 3, 1), ("single,k=3", 3, 1), ("reversed,3", 3, 1),
        ("reversed,k=4", 4, 1), ("linear,4", 4, 4), ("linear,3,2", 6, 3), ("linear,k=3,n=2", 6, 3),
        ("tree,2,3", 9, 4), ("tree,depth=2,fanout=3", 9, 4), ("tree,3", 8, 7), ("torus,3,4", 12, 12),
        ("torus,3,4,2", 24, 12), ("torus,x=3,y=4,n=2", 24, 12), ("torus,dims=3x3x3", 27, 27),
    ],
)  # fmt: skip
def test_what_mininet_makes_is_made(words: str, hosts: int, switches: int) -> None:
    """Counts are those of Mininet's own classes (mininet.org, topo.py and topolib.py)."""
    counts = described_quickly(words).topology.kind_counts()
    assert counts == {"host": hosts, "switch": switches}


def test_reversed_counts_ports_from_the_last_host() -> None:
    topology = described_quickly("reversed,3").topology
    names = topology.names
    at = {
        names[a if names[b] == "s1" else b]: ports[1 if names[b] == "s1" else 0]
        for (a, b), ports in zip(topology.ends.tolist(), topology.ports.tolist(), strict=True)
    }
    assert at == {"h1": 3, "h2": 2, "h3": 1}


@pytest.mark.parametrize("name", GENERATORS)
def test_the_name_alone_is_the_generator_with_its_defaults(name: str) -> None:
    said = described_quickly(name).topology
    filed = build(load_text(f"name: {name}\ntopology: {{generator: {name}}}\n"))
    assert (said.name, said.ends.tolist(), list(said.names)) == (name, filed.ends.tolist(), list(filed.names))


def test_values_keep_their_units() -> None:
    data = quick_start("leaf-spine,2,4,host_bandwidth=10 Mbit")
    assert data["topology"] == {
        "generator": "leaf-spine", "spines": 2, "leaves": 4, "host_bandwidth": "10 Mbit"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("tre,2", "--topo tre,2: `tre` is not a generator; did you mean `tree`?"),
        ("tree,x", "--topo tree,x: topology.depth: must be a whole number, not `x`; write one from 1 to 24"),
        ("tree,2,3,4", "--topo tree,2,3,4: `4` is one value too many; by position go `depth`, `fanout`"),
        ("tree,depth=2,3", "`3` has no key; values by position come before `key=value`"),
        ("tree,depth=1,depth=2", "depth: is given twice; keep one value"),
        ("tree,deep=2", "topology.deep: unknown key; did you mean `depth`?"),
        ("reversed,0", "k: must be a number of hosts from 1 to 60,000, not `0`"),
        ("torus,2,3", "topology.dims[0]: must be at least 3"),
        ("tree,", "`` has no key"),
    ],
)
def test_errors_name_the_words_and_the_fix(words: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        described_quickly(words)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("net.py", "topology: {mininet: net.py}"),
        ("net.graphml", "topology: {file: net.graphml}"),
        ("net.clab.yml", "topology: {file: net.clab.yml}"),
    ],
)
def test_a_file_of_another_kind_is_told_what_to_write(name: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("import mininet\n")
    with pytest.raises(InputError) as caught:
        load(tmp_path / name)
    assert hint in str(caught.value)
