from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.topologies import made, make

from stress.actions.action_context import SkippedError
from stress.actions.base import Action
from stress.actions.frames import Speaker, arp
from stress.actions.plan_context import PlanContext
from stress.actions.registry import ACTIONS, action_named
from stress.targets import Target, target_name
from topologies.errors import ParameterError
from topologies.topology import Topology

FABRIC = make("leaf-spine", spines=2, leaves=4, hosts_per_leaf=2)


def action(name: str, **keys: Any) -> Action:
    return action_named(name).model_validate({"action": name, **keys})


def done(step: Action, seconds: float = 4.0, topology: Topology = FABRIC) -> list[tuple[float, str, str]]:
    plan = step.plan(PlanContext(topology, "s", ("steps", 0), seconds, 0))
    order = np.argsort(plan.at, kind="stable")
    return [
        (plan.at[k] / 1e6, step.VERBS[plan.verb[k]], target_name(topology, plan.targets[plan.target[k]]))
        for k in order.tolist()
    ]


@pytest.mark.parametrize("name", ["port-flap", "port-churn", "node-churn", "switch-restart", "link-flap"])
def test_what_goes_comes_back_in_time(name: str) -> None:
    found = done(action(name, rate=3.0))
    first, second = action_named(name).VERBS
    assert Counter(verb for _, verb, _ in found) == {first: 12, second: 12}
    assert all(0 <= at <= 4.0 for at, _, _ in found)
    assert Counter(what for _, verb, what in found if verb == first) == Counter(
        what for _, verb, what in found if verb == second
    )


def test_only_hosts_churn_and_only_switches_restart_unless_told() -> None:
    assert {what[0] for _, _, what in done(action("node-churn", rate=5.0))} == {"h"}
    assert not any(what.startswith("h") for _, _, what in done(action("switch-restart", rate=5.0)))


class Away:
    """Context of a run in which node 1 is removed; nothing may be touched."""

    network = None

    def need_node(self, node: int) -> None:
        if node == 1:
            raise SkippedError("the node is removed")

    def kept(self, key: object, make: Callable[[], Any]) -> Any:
        del key
        return make()


@pytest.mark.parametrize("ends", [(0, 1), (1, 0)])
def test_a_flow_from_or_to_a_removed_host_is_skipped(ends: tuple[int, int]) -> None:
    with pytest.raises(SkippedError, match="the node is removed"):
        action("traffic").do(Away(), "start", Target("flow", *ends, 0))  # type: ignore[arg-type]


CONTROLLED = made(
    {"generator": "leaf-spine", "spines": 2, "leaves": 4, "hosts_per_leaf": 1},
    switch="ovs",
    openflow={"controller": "learning"},
    nodes=[
        {
            "match": {"tier": "spine"},
            "openflow": {"controller": [{"remote": "10.9.9.9"}, {"remote": "10.9.9.8"}]},
        }
    ],
)


def test_controllers_restart_by_name_pattern_and_share() -> None:
    def names(**keys: Any) -> list[str]:
        found = done(action("controller-restart", rate=3.0, **keys), topology=CONTROLLED)
        assert Counter(verb for _, verb, _ in found) == {"stop": 12, "start": 12}
        return sorted({what for _, _, what in found})

    assert names() == ["c0", "c1", "c2"]
    assert names(target={"match": "c1"}) == ["c1"]
    assert names(target={"name": "c[02]"}) == ["c0", "c2"]
    assert len(names(target={"count": 2})) == 2


@pytest.mark.parametrize(
    ("target", "words"),
    [({"match": "c7"}, "they go from c0 to c2"), ({"tier": "leaf"}, "`tier` is of nodes"),
     ({"count": 4}, "only 3 controllers match")],
)  # fmt: skip
def test_controllers_that_are_not_there_do_not_restart(target: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        done(action("controller-restart", rate=1.0, target=target), topology=CONTROLLED)


def test_networks_of_bridges_have_no_controllers_to_restart() -> None:
    with pytest.raises(ParameterError, match="no switch has a controller"):
        done(action("controller-restart", rate=1.0))


def test_a_partition_of_halves_cuts_what_joins_them() -> None:
    found = done(action("partition", halves=True, after=1.0, cut=2.0))
    assert {(at, verb) for at, verb, _ in found} == {(1.0, "cut"), (3.0, "mend")}
    side = {"l1", "l2"}
    cut = {what for _, verb, what in found if verb == "cut"}
    assert cut
    ends = [tuple(what.split(" -- ")) for what in cut]
    assert all(len({a in side or a.startswith("s"), b in side}) for a, b in ends)
    assert not any("h" in what for what in cut)


def test_a_partition_of_a_tier_cuts_above_it() -> None:
    tier = FABRIC.tier_names[int(FABRIC.tiers[FABRIC.hosts[0]])]
    found = [what for _, verb, what in done(action("partition", tier=tier)) if verb == "cut"]
    assert len(found) == len(FABRIC.hosts)


def test_a_partition_of_given_nodes_cuts_them_off_until_the_end() -> None:
    found = done(action("partition", target={"name": "h1"}))
    assert [(at, verb) for at, verb, _ in found] == [(0.0, "cut"), (4.0, "mend")]


def test_rolling_takes_the_next_when_the_last_is_back() -> None:
    found = done(action("rolling", target={"match": "spine"}, down=1.0, pause=1.0))
    assert [(at, verb) for at, verb, _ in found] == [(0, "away"), (1, "back"), (2, "away"), (3, "back")]
    assert found[0][2] != found[2][2]


def test_rolling_cuts_all_links_of_a_node_at_once() -> None:
    found = done(action("rolling", target={"match": "spine"}, how="cut", down=1.0, pause=1.0))
    assert Counter(at for at, _, _ in found) == {0: 4, 1: 4, 2: 4, 3: 4}


def test_rolling_again_begins_anew() -> None:
    found = done(action("rolling", target={"match": "spine"}, down=0.5, pause=0.5, again=True))
    assert [what for _, verb, what in found if verb == "away"] == [found[0][2], found[2][2]] * 2


def test_flows_go_from_one_host_to_another() -> None:
    found = done(action("traffic", flows=20))
    pairs = [what.split(" -> ") for _, verb, what in found if verb == "start"]
    assert len(pairs) == 20
    assert all(a != b and a[0] == b[0] == "h" for a, b in pairs)
    assert found[-1][:2] == (4.0, "stop")


def test_flows_to_one_host_come_from_the_others() -> None:
    found = done(action("traffic", flows=9, target={"name": "h1"}))
    assert {what.split(" -> ")[1] for _, verb, what in found if verb == "start"} == {"h1"}


def test_a_ramp_grows_until_its_end_or_the_most() -> None:
    assert [(at, verb) for at, verb, _ in done(action("ramp", hosts=10, interval=1.0))] == [
        (0, "grow"), (1, "grow"), (2, "grow"), (3, "grow"), (4, "take down"),
    ]  # fmt: skip
    assert len(done(action("ramp", hosts=10, interval=1.0, most=20))) == 3


@pytest.mark.parametrize(
    ("name", "keys", "words"),
    [
        ("link-impair", {"rate": 1.0, "shape": {"jitter": 0.1}}, "delayed packets only"),
        ("partition", {"target": {"name": "h1"}, "after": 9.0}, "not before the step's end"),
        ("switch-restart", {"rate": 1.0, "target": {"match": "host"}}, "matches hosts only"),
        ("traffic", {"source": {"name": "h1"}, "target": {"name": "h1"}}, "needs two"),
        ("node-churn", {"churn": {"percent": 0.1, "delay": 0.0}, "away": 0.0}, "neither a delay"),
    ],
)
def test_what_can_not_be_is_refused(name: str, keys: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        done(action(name, **keys))


def test_every_file_of_an_action_is_registered_and_described() -> None:
    for name in ACTIONS:
        kind = action_named(name)
        assert kind.VERBS
        assert kind.__doc__
        assert kind.EXAMPLE.startswith("{action: " + name)


def test_the_bytes_of_an_arp_question() -> None:
    """RFC 826: hardware 1, protocol 0x0800, lengths 6 and 4, operation 1 (request)."""
    frame = arp(Speaker(bytes.fromhex("020000010000"), bytes((10, 0, 0, 1))), bytes((10, 0, 0, 9)))
    assert frame.hex() == (
        "ffffffffffff" "020000010000" "0806"
        "0001" "0800" "06" "04" "0001" "020000010000" "0a000001" "000000000000" "0a000009"
    )  # fmt: skip
