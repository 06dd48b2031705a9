"""Configuration of OpenFlow switches: controllers, protocol versions, behaviour without a controller."""

from __future__ import annotations

from dataclasses import dataclass

PORT = 6653
"""TCP port of OpenFlow controllers (IANA; OpenFlow 1.3.3 and later)."""

PROTOCOLS = ("OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15")


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller, by its kind.

    - `learning`: a MAC-learning controller that the engine starts and stops;
    - `command`: a program that the engine starts and stops, by its arguments; it listens on `port` and runs
      as `user` (root, or empty for the user who called sudo);
    - `remote`: a controller elsewhere, at `address` (a name or an IP address) and `port`.
    """

    kind: str
    address: str = ""
    port: int = PORT
    command: tuple[str, ...] = ()
    user: str = ""

    @property
    def words(self) -> str:
        """Description: `learning`, `remote 10.0.0.5:6653`, `command python3 app.py`."""
        return f"remote {self.place}" if self.kind == "remote" else " ".join((self.kind, *self.command))

    @property
    def place(self) -> str:
        """Address and port of a remote controller: `10.0.0.5:6653`, `[fd00::5]:6653`."""
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{shown}:{self.port}"


@dataclass(frozen=True, slots=True)
class OpenFlow:
    """Behaviour of a switch of kind `ovs`; other kinds ignore it.

    `datapath` is auto (the kernel's where there is one), kernel or userspace. `fail_mode` None is
    `secure` with a controller or computed flows, else `standalone`. `flows` selects the forwarding
    without a controller: normal (the switch learns MACs, the spanning tree is computed), tree
    (flows by destination MAC over that tree) or ecmp (over all shortest paths, by select groups).
    `dpid_base` is added to computed datapath ids.
    """

    controllers: tuple[Controller, ...] = ()
    protocols: tuple[str, ...] = ("OpenFlow13",)
    fail_mode: str | None = None
    datapath: str = "auto"
    flows: str = "normal"
    dpid_base: int = 0

    @property
    def effective_fail_mode(self) -> str:
        """`secure` or `standalone`."""
        if self.fail_mode is not None:
            return self.fail_mode
        return "secure" if self.controllers or self.flows != "normal" else "standalone"
