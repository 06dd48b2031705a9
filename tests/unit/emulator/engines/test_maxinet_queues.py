"""MaxiNet's rates are read back at both ends of each link, over workers in memory."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.support.maxinet_cluster import driver_modules


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The driver's module `queues`."""
    return driver_modules(monkeypatch)("queues")


class Shaped:
    """An inventory of two ends of a tunnel, whose workers answer `rates`, each as often as it is asked."""

    ends = {  # noqa: RUF012 -- constant
        "s1-eth1": {"node": "s1", "shape": {"bw": 5}},
        "s2-eth1": {"node": "s2", "shape": {"bw": 5}},
        "s2-eth2": {"node": "s2", "shape": {}},
    }

    def __init__(self, **rates: str) -> None:
        self.rates = rates
        self.fleet = self

    def in_node(self, node: str, argv: list[str], seconds: float) -> tuple[str, list[str]]:
        assert seconds
        return node, argv[4:]

    def commands(self, wanted: list[tuple[str, list[str]]]) -> list[list[Any]]:
        queues = "qdisc htb 5: root\nclass htb 5:1 root prio 0 rate {} ceil 9bit\n=next=\n"
        said = ["".join(queues.format(self.rates[node]) for _ in names) for node, names in wanted]
        return [[0, base64.b64encode(text.encode()).decode(), ""] for text in said]

    def worker_of(self, node: str) -> str:
        return node.replace("s", "w")


def test_a_rate_that_one_end_of_a_tunnel_lacks_is_set_again(queues: Any) -> None:
    inventory = Shaped(s1="5Mbit", s2="10Gbit")
    again: list[list[str]] = []

    def shape(names: list[str]) -> None:
        again.append(names)
        inventory.rates["s2"] = "5Mbit"

    queues.require_shapes(inventory, list(Shaped.ends), shape)
    assert again == [["s2-eth1"]]


def test_a_rate_that_cannot_be_set_is_an_error(queues: Any) -> None:
    inventory = Shaped(s1="5Mbit", s2="10Gbit")
    words = "s2-eth1 in s2 has 10000 instead of 5 Mbit/s, although MaxiNet reported success.* worker w2"
    with pytest.raises(queues.StepError, match=words):
        queues.require_shapes(inventory, list(Shaped.ends), lambda _: None)
