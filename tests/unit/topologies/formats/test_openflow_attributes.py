"""`openflow:` goes through files whose attributes are words, and comes back the same."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from support import topologies

from topologies.build import build
from topologies.formats import graphml, node_link
from topologies.formats.assemble import assemble
from topologies.formats.attributes import node_of
from topologies.formats.graph import FormatError
from topologies.formats.import_options import Options
from topologies.openflow import Controller, OpenFlow
from topologies.spec.load import load_text

READERS: dict[str, Any] = {"graphml": graphml.read, "json": node_link.read}

CONTROLLERS = [
    (Controller("learning"),),
    (Controller("remote", "10.0.0.5", 6633), Controller("remote", "fd00::5", 6653)),
    (Controller("command", port=7000, command=("python3", "my app.py", "--name='x;y'", "# no")),),
    (Controller("learning"), Controller("remote", "a.example", 6653)),
    (),
]


@pytest.mark.parametrize("to", list(READERS))
@pytest.mark.parametrize(
    "controllers", CONTROLLERS, ids=lambda some: "+".join(c.kind for c in some) or "none"
)
def test_comes_back_the_same(to: str, controllers: tuple[Controller, ...]) -> None:
    made = build(load_text("name: n\nswitch: ovs\ntopology: {generator: linear, k: 2}\n"))
    openflow = OpenFlow(controllers, ("OpenFlow10", "OpenFlow15"), "standalone", "userspace", "ecmp")
    profiles = tuple(replace(profile, openflow=openflow) for profile in made.node_profiles)
    made = replace(made, node_profiles=profiles)
    back = assemble(READERS[to](io.BytesIO(topologies.exported(made, to).encode())), Options())
    switch = back.names.find("s1")
    assert switch is not None
    assert back.node_profile_of(switch).openflow == openflow
    assert back.node_profile_of(switch).switch == "ovs"


def test_what_is_the_default_is_not_written() -> None:
    made = build(load_text("name: n\nswitch: ovs\ntopology: {generator: linear, k: 2}\n"))
    assert "openflow" not in topologies.exported(made, "graphml")
    assert "openflow" not in topologies.exported(made, "json")


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"openflow_controller": "lerning"}, "not a controller"),
        ({"openflow_controller": "remote 10.0.0.5:99999"}, "is not an address"),
        ({"openflow_controller": "command 'python3"}, "openflow_controller `command 'python3`"),
        ({"openflow_protocols": "OpenFlow99"}, "openflow"),
        ({"openflow_fail_mode": "closed"}, "secure"),
    ],
)
def test_wrong_words_are_refused(attributes: dict[str, str], words: str) -> None:
    with pytest.raises(FormatError, match=words):
        node_of({"kind": "switch", **attributes}, 3)
