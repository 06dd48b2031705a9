"""Select groups: a switch spreads frames over ports of equal cost."""

from __future__ import annotations

PROTOCOL = "OpenFlow15"
"""The OpenFlow version for installing groups: earlier versions have no parameter for the hash."""


class SelectGroups:
    """The select groups of one switch, numbered from 1: one group per set of ports."""

    def __init__(self, switch: int) -> None:
        self._switch = switch
        self._numbers: dict[tuple[int, ...], int] = {}

    def action(self, ports: tuple[int, ...]) -> str:
        """Return the action that sends a frame out of one of `ports`."""
        if len(ports) == 1:
            return f"output:{ports[0]}"
        return f"group:{self._numbers.setdefault(ports, len(self._numbers) + 1)}"

    @property
    def lines(self) -> list[str]:
        """The groups, as lines for `ovs-ofctl add-groups`.

        Each switch hashes differently: the parameter of its hash is the switch's number. With the same hash
        everywhere, a switch would receive only frames with hashes that the previous switch selected. It
        would then use only one of its ports ("polarization").
        """
        head = f"type=select,selection_method=dp_hash,selection_method_param={self._switch + 1}"
        return [
            f"group_id={number},{head}" + "".join(f",bucket=watch_port:{port},actions=output:{port}"
                                                  for port in ports)
            for ports, number in self._numbers.items()
        ]  # fmt: skip
