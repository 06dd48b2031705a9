from __future__ import annotations

import subprocess
import sys
import time
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from topologies.build import build
from topologies.engines import ENGINES
from topologies.errors import InputError
from topologies.profiles import LinkProfile, NodeProfile, Shape
from topologies.spec.explain import problems_of, shown
from topologies.spec.explicit import explicit_problems
from topologies.spec.load import load_text
from topologies.spec.located_errors import joined, located_error
from topologies.spec.merge import merged_link, merged_node, merged_shape, undelayed
from topologies.spec.model import Spec
from topologies.spec.rules import LinkKeys, NodeKeys, ShapeKeys
from topologies.spec.section import Section
from topologies.suggestions import nearest
from topologies.topology import Topology

TREE = "topology: {generator: tree, depth: 2, fanout: 2}\n"
HEAD = "name: n\n" + TREE


def spec(text: str) -> Spec:
    return load_text(HEAD + text, "f").spec


def built(text: str) -> Topology:
    return build(load_text(text, "f"))


def refused(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        built(text)
    return str(caught.value).split("\n")


def by_hand(nodes: str, links: str = "[]", more: str = "") -> str:
    return f"name: n\n{more}topology:\n  nodes: {nodes}\n  links: {links}\n"


class TestEngine:
    @pytest.mark.parametrize("name", ENGINES)
    def test_a_name_or_a_mapping(self, name: str) -> None:
        assert spec(f"engine: {name}\n").engine_name == name
        assert spec(f"engine: {{name: {name}}}\n").engine_name == name
        assert spec(f"engine: {name}\n") == spec(f"engine: {{name: {name}}}\n")

    def test_netns_is_what_is_meant_by_nothing(self) -> None:
        assert (
            spec("").engine_name
            == spec("engine:\n").engine_name
            == spec("engine: {}\n").engine_name
            == "netns"
        )


class TestEmptyIsNotGiven:
    def test_lists_and_mappings(self) -> None:
        made = spec("links:\nnodes:\naddressing:\nengine:\n")
        assert made == spec("")
        assert made.links == made.nodes == []

    def test_matches(self) -> None:
        made = spec("links: [{match: , delay: 1 ms}]\nnodes: [{match: , cpu: 1}]\n")
        assert made.links[0].match.between is None
        assert made.nodes[0].match.name is None

    def test_parts_by_hand(self) -> None:
        made = built("name: n\ntopology:\n  nodes: {h1: , s1: {kind: switch}}\n  links:\n")
        assert made.node_count == 2
        assert made.link_count == 0
        assert built(by_hand("{h1: , h2: }", "[[h1, h2, ]]")).link_count == 1


class TestNames:
    def test_yaml_words_and_numbers_are_names(self) -> None:
        made = built(
            by_hand("{no: , on: , y: , 1: {kind: switch}, 007: }", "[[no, 1], [on, 1], [y, 1], [007, 1]]")
        )
        assert list(made.names) == ["no", "on", "y", "1", "007"]
        assert made.ends.tolist() == [[0, 3], [1, 3], [2, 3], [4, 3]]

    @pytest.mark.parametrize("name", ["a/b", "-x", ".", "..", "a b", "é", "a\\n", "_x", "", "a\\0"])
    def test_names_that_no_file_or_shell_could_bear(self, name: str) -> None:
        assert "is not a node name" in refused(by_hand(f'{{"{name}": }}'))[0] or "U+" in name

    def test_63_characters_are_a_name_64_are_not(self) -> None:
        assert built(by_hand(f"{{{'x' * 63}: }}")).node_count == 1
        assert "is 64 characters long" in refused(by_hand(f"{{{'x' * 64}: }}"))[0]


class TestJitterNeedsDelay:
    def test_at_its_key(self) -> None:
        words = "acts on delayed packets only; set `delay` too"
        assert refused(HEAD + "links:\n  - {jitter: 1 ms}\n") == [f"f:4:6: links[0].jitter: {words}"]
        assert refused(HEAD + "links:\n  - {delay: 1 ms, backward: {delay: 0, reorder: 1 %}}\n") == [
            f"f:4:40: links[0].backward.reorder: {words}"
        ]

    def test_an_earlier_rule_or_the_common_keys_may_give_it(self) -> None:
        rules = "links:\n  - {delay: 1 ms}\n  - {jitter: 1 us, forward: {reorder: 1 %}}\n"
        made = built(HEAD + rules)
        assert made.shape(0, 0) == Shape(delay=1e-3, jitter=1e-6, reorder=0.01)
        assert made.shape(0, 1) == Shape(delay=1e-3, jitter=1e-6)

    def test_on_a_link_by_hand(self) -> None:
        good = by_hand("{a: , b: }", "[[a, b, {delay: 1 ms, forward: {jitter: 1 us}}]]")
        assert built(good).shape(0, 0).jitter == 1e-6
        bad = by_hand("{a: , b: }", "[[a, b, {forward: {delay: 1 ms}, jitter: 1 us}]]")
        assert refused(bad)[0].startswith("f:4:43: topology.links[0][2].jitter: acts on delayed")

    def test_a_rule_that_takes_the_delay_away(self) -> None:
        rules = "links:\n  - {delay: 1 ms, jitter: 1 us}\n  - {delay: }\n"
        assert refused(HEAD + rules) == [
            "f:5:5: links[1].jitter: acts on delayed packets only; set `delay` too"
        ]


class TestByHand:
    def test_everything_that_is_wrong_at_once_in_file_order(self) -> None:
        lines = refused(
            by_hand(
                "{a: {ip: 10.0.0.1/8, cpu: 0}, b: {ip: 10.0.0.1/8}, c: {kind: swich}, d/e: }",
                "[[a, a], [a, x], [a], [a, b, {bw: 1 Gbit}]]",
                "seed: -1\n",
            )
        )
        assert [line.split(": ")[1] for line in lines] == [
            "seed", "topology.nodes.a.cpu", "topology.nodes.b.ip", "topology.nodes.c.kind",
            'topology.nodes["d/e"]', "topology.links[0]", "topology.links[1][1]", "topology.links[2]",
            "topology.links[3][2].bw",
        ]  # fmt: skip

    def test_what_is_given_is_kept(self) -> None:
        made = built(
            by_hand(
                "{h1: {ip: 10.0.0.9/8, mac: '02:00:00:00:00:AA', memory: 64 MiB, tier: edge}, "
                "s1: {kind: switch}}",
                "[[h1, s1, {bandwidth: 1 Gbit, backward: {loss: 1 %}, mtu: 9000}]]",
            )
        )
        assert made.explicit[0].addresses == ((0, "10.0.0.9/8"),)
        assert made.explicit[0].macs == ((0, "02:00:00:00:00:aa"),)
        assert made.tier_names == ("edge", "switch")
        assert made.node_profile_of(0) == NodeProfile(memory=64 * 2**20)
        assert made.link_profile_of(0) == LinkProfile(Shape(1e9), Shape(1e9, loss=0.01), 9000)
        assert made.ports.tolist() == [[0, 1]]

    def test_too_many_tiers(self) -> None:
        nodes = ", ".join(f"n{i}: {{tier: t{i}}}" for i in range(257))
        assert refused(by_hand(f"{{{nodes}}}")) == [
            "f:3:3: topology.nodes: has 257 different tiers; the maximum is 256"
        ]

    @pytest.mark.parametrize(
        "data", [None, 5, [], {}, {"nodes": 5}, {"nodes": {}, "links": 5}, {"nodes": {"a": 5}}]
    )
    def test_the_parts_may_be_anything(self, data: Any) -> None:
        assert list(explicit_problems(data)) == []

    def test_20000_nodes_in_a_moment(self) -> None:
        count = 20_000
        lines = [f"    h{i}: {{ip: 10.{i >> 16}.{i >> 8 & 255}.{i & 255}/8}}" for i in range(1, count)]
        links = [f"    - [h{i}, s]" for i in range(1, count)]
        text = "\n".join(
            ["name: n", "topology:", "  nodes:", "    s: {kind: switch}", *lines, "  links:", *links]
        )
        start = time.perf_counter()
        made = built(text)
        assert made.node_count == count
        assert time.perf_counter() - start < 10  # about 1 s; quadratic steps would take minutes


class TestWays:
    @pytest.mark.parametrize(
        ("topology", "words"),
        [
            ("tree", "must be a mapping; write `{generator: tree}`"),
            ("7", "must be a mapping, not `7`; write for example"),
            ("{k: 4}", "needs one of the keys generator, "),
            ("{generator: {}}", "a mapping is not a generator; use one of: single, "),
            ("{generator: tre}", "`tre` is not a generator; did you mean `tree`?"),
            ("{generator: tree, nodes: {}}", "can't be combined with `generator`; keep one of the two"),
            (
                "{compose: {a: {generator: tree, dept: 1}}}",
                "topology.compose.a.dept: unknown key; did you mean `depth`?",
            ),
            ("{compose: {a: tree}}", "topology.compose.a: must be a mapping; write `{generator: tree}`"),
        ],
    )
    def test_words(self, topology: str, words: str) -> None:
        assert words in refused(f"name: n\ntopology: {topology}\n")[0]

    def test_a_number_names_no_part(self) -> None:
        parts = "{a: {generator: single}, b: {generator: single}}"
        assert (
            "`7` names no part"
            in refused(f"name: n\ntopology: {{compose: {parts}, links: [[a.s1, 7]]}}\n")[0]
        )

    def test_a_wrong_node_of_a_part_is_told_where_it_stands(self) -> None:
        inner = "{nodes: {h1: {ip: 192.168.0.1/24}}}"
        text = (
            f"name: n\ntopology:\n  compose:\n    a: {{compose: {{b: {inner}, c: {{generator: single}}}}}}\n"
        )
        assert refused(text)[0].startswith(
            "f:4:36: topology.compose.a.compose.b.nodes.h1.ip: 192.168.0.1 is outside the pool 10.0.0.0/8;"
        )

    def test_a_document_that_is_no_mapping(self) -> None:
        assert refused("[1]") == [
            "f:1:1: must be a mapping (key: value), not a list; start with `name:` and `topology:`"
        ]


class TestOverridesAndPools:
    def test_rules_and_pools_are_told_together(self) -> None:
        lines = refused(
            "name: n\naddressing: {ipv4: 10.0.0.0/30}\n"
            + TREE
            + "links:\n  - {match: {between: [host, rack]}, mtu: 1500}\n"
            "nodes:\n  - {match: {tier: spine}, cpu: 1}\n  - {match: {name: zz}, cpu: 1}\n"
        )
        assert [line.split(": ")[1] for line in lines] == [
            "addressing.ipv4", "links[0].match.between", "nodes[0].match", "nodes[1].match",
        ]  # fmt: skip


class Inner(Section):
    share: Annotated[float, Field(gt=0, le=1)] = 1.0


class Model(BaseModel):
    model_config = Section.model_config
    count: Annotated[int, Field(ge=2, lt=10)] | None = None
    inner: Inner | None = None
    many: list[Inner] = []
    word: Literal["one", "two"] = "one"
    odd: int | list[int] = 1


class TestExplain:
    @pytest.mark.parametrize(
        ("data", "loc", "words"),
        [
            ({"count": 1}, ("count",), "`1` is out of range; write a whole number, 2 or more and below 10"),
            (
                {"count": "x"},
                ("count",),
                "must be a whole number, not `x`; write one, 2 or more and below 10",
            ),
            (
                {"inner": {"share": 0}},
                ("inner", "share"),
                "`0` is out of range; write a number above 0, up to 1",
            ),
            ({"many": [{}, {"shar": 1}]}, ("many", 1, "shar"), "unknown key; did you mean `share`?"),
            ({"many": [5]}, ("many", 0), "must be a mapping (key: value), not `5`"),
            ({"word": "tow"}, ("word",), "`tow` is not known; did you mean `two`?"),
        ],
    )
    def test_words(self, data: dict[str, Any], loc: tuple[Any, ...], words: str) -> None:
        with pytest.raises(ValidationError) as caught:
            Model.model_validate(data)
        assert (loc, words) in problems_of(caught.value, Model, data)

    def test_paths_never_leave_the_file(self) -> None:
        with pytest.raises(ValidationError) as caught:
            Model.model_validate({"odd": "x"})
        assert {loc for loc, _ in problems_of(caught.value, Model, {"odd": "x"})} == {("odd",)}

    def test_nearest(self) -> None:
        assert nearest("Bandwith", ["delay", "bandwidth"]) == "did you mean `bandwidth`?"
        assert nearest("x", ["a", "b"]) == "use one of: a, b"
        assert nearest("x", [f"n{i}" for i in range(10**5)]).endswith("n11, …")
        assert nearest("x\x1b", ["\x1b" * 3]).isprintable()

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (None, "nothing"),
            ({}, "a mapping"),
            ([], "a list"),
            (True, "`true`"),
            ("\n", "`\\n`"),
            (1.5, "`1.5`"),
        ],
    )
    def test_shown(self, value: object, words: str) -> None:
        assert shown(value) == words


class TestWrong:
    def test_errors_placed_by_a_validator_keep_their_places_and_words(self) -> None:
        with pytest.raises(ValidationError) as caught:
            Model.model_validate({"count": 1, "inner": {"share": "x"}})
        error = joined(joined(caught.value, [(("word",), "{braces} stay")]), [(("many", 0), "two")])
        data = {"count": 1, "inner": {"share": "x"}, "word": 1, "many": [1]}
        assert problems_of(error, Model, data)[2:] == [(("word",), "{braces} stay"), (("many", 0), "two")]
        assert len(problems_of(error, Model, data)) == 4
        assert problems_of(located_error([(("word",), "w")]), Model, data) == [(("word",), "w")]


class TestMerge:
    def test_keys_not_given_stay(self) -> None:
        old = Shape(bandwidth=1e9, delay=1e-3)
        assert merged_shape(None, old) is old
        assert merged_shape(ShapeKeys(loss=0.1), old) == Shape(bandwidth=1e9, delay=1e-3, loss=0.1)

    def test_a_reversed_link_swaps_the_directions(self) -> None:
        keys = LinkKeys(forward=ShapeKeys(loss=0.1), backward=ShapeKeys(loss=0.2), mtu=1400)
        assert merged_link(keys, LinkProfile(), reverse=False) == LinkProfile(
            Shape(loss=0.1), Shape(loss=0.2), 1400
        )
        assert merged_link(keys, LinkProfile(), reverse=True) == LinkProfile(
            Shape(loss=0.2), Shape(loss=0.1), 1400
        )

    def test_nodes(self) -> None:
        assert merged_node(NodeKeys(cpu=2.0), None) == NodeProfile(cpu=2.0)
        assert merged_node(NodeKeys(relay=True), NodeProfile(cpu=2.0)) == NodeProfile(cpu=2.0, relay=True)

    def test_undelayed_names_the_side_that_gave_the_key(self) -> None:
        keys = LinkKeys(backward=ShapeKeys(jitter=0.1))
        for reverse in (False, True):
            profile = merged_link(keys, LinkProfile(), reverse=reverse)
            assert [loc for loc, _ in undelayed(keys, profile, reverse=reverse)] == [("backward", "jitter")]


def test_models_are_complete_when_they_are_defined() -> None:
    """One that waits for a name below it tells another range in errors before its first use."""
    words = (
        "import topologies.spec.model, stress.scenario.model, pydantic\n"
        "found = [pydantic.BaseModel]\n"
        "for one in found: found += one.__subclasses__()\n"
        "print(len(found), [one.__name__ for one in found[1:] if not one.__pydantic_complete__])\n"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    count, _, waiting = done.stdout.strip().partition(" ")
    assert int(count) > 25
    assert waiting == "[]"
