"""`switch` and `openflow` keys, from the file to the profiles and back from the saved topology."""

from __future__ import annotations

from pathlib import Path

import pytest

from topologies import store
from topologies.build import build
from topologies.errors import InputError
from topologies.formats.openflow import openflow_attributes, openflow_keys
from topologies.openflow import Controller, OpenFlow
from topologies.openflow_switches import controllers_of
from topologies.spec.load import load_text
from topologies.spec.openflow import OpenFlowKeys
from topologies.topology import Topology

HEAD = "name: x\ntopology: {generator: tree, depth: 2, fanout: 2}\n"


def made(text: str) -> Topology:
    return build(load_text(HEAD + text, "f"))


def openflow(topology: Topology, name: str) -> OpenFlow:
    return topology.node_profile_of(topology.names.index(name)).openflow


def test_a_file_says_it_for_all_switches() -> None:
    topology = made(
        "switch: ovs\nopenflow: {controller: learning, protocols: [OpenFlow10], datapath: userspace}\n"
    )
    profile = topology.node_profile_of(topology.names.index("s1"))
    assert profile.switch == "ovs"
    assert profile.openflow == OpenFlow((Controller("learning"),), ("OpenFlow10",), None, "userspace")
    assert controllers_of(topology) == {"c0": Controller("learning")}


def test_rules_lay_their_keys_over_the_files() -> None:
    topology = made(
        "switch: ovs\nopenflow: {controller: learning, flows: tree}\nnodes:\n"
        "- {match: {name: s2}, openflow: {controller: {remote: '10.0.0.5:6633'}}}\n"
        "- {match: {name: s3}, openflow: {controller: none, fail_mode: secure}}\n"
    )
    assert openflow(topology, "s1").controllers == (Controller("learning"),)
    assert openflow(topology, "s2") == OpenFlow((Controller("remote", "10.0.0.5", 6633),), flows="tree")
    assert openflow(topology, "s3") == OpenFlow(fail_mode="secure", flows="tree")
    assert list(controllers_of(topology).values()) == [
        Controller("learning"),
        Controller("remote", "10.0.0.5", 6633),
    ]


@pytest.mark.parametrize(
    ("text", "controllers"),
    [
        ("none", ()),
        ("", ()),
        ("{remote: 127.0.0.1}", (Controller("remote", "127.0.0.1"),)),
        ("{remote: ['[fd00::5]:6633', c.example.org]}",
         (Controller("remote", "fd00::5", 6633), Controller("remote", "c.example.org"))),
        ("{remote: 10.0.0.5, port: 6633}", (Controller("remote", "10.0.0.5", 6633),)),
        ("{command: python3 app.py, port: 7000}", (
            Controller("command", port=7000, command=("python3", "app.py")),)),
        ("{command: [a, b], user: root}", (Controller("command", command=("a", "b"), user="root"),)),
        ("[learning, {command: [a, 'b c']}]",
         (Controller("learning"), Controller("command", command=("a", "b c")))),
    ],
)  # fmt: skip
def test_forms_of_a_controller(text: str, controllers: tuple[Controller, ...]) -> None:
    topology = made(f"switch: ovs\nopenflow: {{controller: {text}}}\n")
    assert openflow(topology, "s1").controllers == controllers


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lerning", "`lerning` is not a controller"),
        ("{remote: 'a b'}", "`a b` is not an address"),
        ("{remote: '10.0.0.1:99999'}", "is not an address"),
        ("{remote: 10.0.0.1, command: x}", "give either `remote` or `command`"),
        ("{}", "give either `remote` or `command`"),
        ("{command: ''}", "`command` is empty"),
        ("{remote: 10.0.0.1, user: root}", "`user` goes with `command`"),
    ],
)
def test_what_is_no_controller_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match="f:4:") as caught:
        made(f"switch: ovs\nopenflow: {{controller: {text}}}\n")
    assert words in str(caught.value)


def test_bridges_have_no_controllers() -> None:
    assert controllers_of(made("openflow: {controller: learning}\n")) == {}


def test_fail_mode_follows_what_forwards() -> None:
    assert OpenFlow().effective_fail_mode == "standalone"
    assert OpenFlow(flows="ecmp").effective_fail_mode == "secure"
    assert OpenFlow((Controller("learning"),)).effective_fail_mode == "secure"
    assert OpenFlow((Controller("learning"),), fail_mode="standalone").effective_fail_mode == "standalone"


def test_is_saved_and_read_back(tmp_path: Path) -> None:
    topology = made(
        "switch: ovs\nopenflow: {controller: [learning, {command: [a, b], user: root}], fail_mode: secure}\n"
    )
    store.save(topology, tmp_path / "t.npz")
    assert store.load(tmp_path / "t.npz").node_profiles == topology.node_profiles


def test_whom_a_command_runs_as_survives_formats_of_attributes() -> None:
    controllers = (
        Controller("command", port=7000, command=("a", "b c"), user="root"),
        Controller("command", command=("d",)),
    )
    attributes = openflow_attributes(OpenFlow(controllers))
    assert attributes == {"openflow_controller": "command:7000:root a 'b c'; command:6653 d"}
    keys = openflow_keys(dict(attributes), 1)
    assert OpenFlowKeys.model_validate(keys).controller == controllers
