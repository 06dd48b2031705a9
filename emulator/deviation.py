"""Deviations of a running network from its plan. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, order=True)
class Deviation:
    """One object of a node that deviates from the plan.

    `node` and `object` name it ("h1", "address 10.0.0.1/8 on h1-eth0"); `expected` and `found` are its wanted
    and its actual state. For an object that doesn't exist, `found` is "missing".
    """

    node: str
    object: str
    expected: str
    found: str

    def __str__(self) -> str:
        if self.expected == "there":
            return f"{self.object} is {self.found}"
        if self.expected == "up" and self.found == "down":
            return f"{self.object} is down"
        return f"{self.node}: {self.object}: expected {self.expected}, found {self.found}"

    def data(self) -> dict[str, str]:
        """Return it as plain data, for JSON."""
        return asdict(self)


def missing(node: str, what: str) -> Deviation:
    """Return the deviation of a missing object; `what` names it with its node."""
    return Deviation(node, what, "there", "missing")
