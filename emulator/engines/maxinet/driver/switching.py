"""What MaxiNet leaves undone at switches: their tunnels, names, MTUs, controllers and loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from serving.server import StepError

from . import traffic_control
from .inventory import Inventory
from .loops import has_loop, learns
from .queues import require_shapes
from .remains import alias_words, bridge_words

Document = dict[str, Any]
_SECONDS = 60.0


class Switching:
    """Completes the switches of one network."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._fleet = inventory.fleet
        self._out: set[str] = set()
        self.held: set[str] = set()
        """Learning switches that don't forward until the ports that would close a loop have left them."""
        self._late: set[str] = set()
        """Ports of new links that join once those that would close a loop are known."""

    def hold(self, document: Document) -> None:
        """Hold the learning switches if their links have a loop: packets would multiply there."""
        learning = {node["name"] for node in document["nodes"] if learns(node)}
        if has_loop(learning, document["links"]):
            self.held |= learning

    def postpone(self, links: Sequence[Document]) -> None:
        """Let the ports of new `links` wait if these close a loop with the links that run."""
        learning = {name for name, node in self._inventory.nodes.items() if learns(node)}
        joined = [
            link for link in self._inventory.links
            if not any(end["name"] in self._out for end in link["ends"])
        ]  # fmt: skip
        if has_loop(learning, joined):
            self._late = {end["name"] for link in links for end in link["ends"] if end["node"] in learning}

    def rename(self, device: str, link: Document) -> None:
        """Give a tunnel our names at both ends; StepError if there is none, which MaxiNet doesn't tell."""
        for end in link["ends"]:
            worker, node = self._inventory.worker_of(end["node"]), self._inventory.nodes[end["node"]]
            name = end["name"]
            commands = [f"ip link set dev {device} down", f"ip link set dev {device} name {name}"]
            if node["kind"] == "ovs":
                commands = [f"ovs-vsctl -t 10 --if-exists del-port {node['name']} {device}", *commands]
            commands.append(f"ip link set dev {name} address {end['mac']} up")
            try:
                self._fleet.shell(worker, f"ip link show dev {device} >/dev/null && {' && '.join(commands)}")
            except StepError as error:
                ends = " -- ".join(other["node"] for other in link["ends"])
                raise StepError(
                    f"link {ends}: worker {worker} has no tunnel {device}, although MaxiNet reported success "
                    f"({error}); its kernel needs gretap: `modprobe ip_gre`"
                ) from None

    def complete(self, document: Document) -> None:
        """Attach ports, set controllers, MTUs, marks and states; verify all queues."""
        switches = [node["name"] for node in document["nodes"] if node["kind"] != "host"]
        names = [end["name"] for link in document["links"] for end in link["ends"]]
        self._settle([name for name in names if self._is_switch(name) and name not in self._late])
        self._controllers(switches, document["controllers"])
        self._mtus(names)
        self._mark(switches)
        uneven = [
            end["name"] for link in document["links"] for end in link["ends"]
            if link["tunnel"] and end["shape"] != link["ends"][0]["shape"]
        ]  # fmt: skip
        self.shape(
            [*uneven, *(n for n in names if self._kind(n) == "ovs" and self._inventory.ends[n]["shape"])]
        )
        require_shapes(self._inventory, names, self.shape)

    def shape(self, names: Iterable[str]) -> None:
        """Apply the shapes of interfaces."""
        lines: dict[str, list[str]] = {}
        for name in names:
            end = self._inventory.ends[name]
            lines.setdefault(end["node"], []).extend(traffic_control.lines(name, end["shape"]))
        self._batch("tc", lines)

    def leave(self, names: Sequence[str]) -> None:
        """Detach interfaces from their switches."""
        self._out |= set(names)
        lines, vsctl = self._sorted(
            names, "link set dev {name} nomaster", "--if-exists del-port {node} {name}"
        )
        self._batch("ip", lines)
        self._vsctl(vsctl)
        late, self._late = self._late - self._out, set()
        if late:
            self.join(sorted(late))

    def join(self, names: Sequence[str]) -> None:
        """Attach interfaces to their switches again."""
        self._out -= set(names)
        self._settle(names)
        self.shape([n for n in names if self._kind(n) == "ovs" and self._inventory.ends[n]["shape"]])

    def release(self) -> None:
        """Let held switches forward."""
        lines: dict[str, list[str]] = {}
        vsctl: dict[str, list[str]] = {}
        for switch in sorted(self.held):
            node = self._inventory.nodes[switch]
            if node["kind"] == "ovs":
                vsctl.setdefault(switch, []).append(f"set-fail-mode {switch} {node['failMode']}")
                continue
            lines[switch] = [f"link set dev {switch} type bridge stp_state 0"]
            joined = [name for name in self._inventory.ends_of(switch) if name not in self._out]
            lines[switch] += [f"link set dev {name} type bridge_slave state 3" for name in joined]
        self._batch("ip", lines, force=True)
        self._vsctl(vsctl)
        self.held.clear()

    def _settle(self, names: Sequence[str]) -> None:
        """Attach ports: Mininet's bridges skip interfaces without the switch's name, such as tunnels."""
        port = "--may-exist add-port {node} {name} -- set Interface {name} ofport_request={port}"
        lines, vsctl = self._sorted(names, "link set dev {name} master {node}", port)
        self._batch("ip", lines)
        self._vsctl(vsctl)

    def _controllers(self, switches: Sequence[str], documents: Sequence[Document]) -> None:
        """Give each Open vSwitch its own controllers: MaxiNet gives all of them the same one."""
        targets = {c["name"]: f"tcp:{c['ip']}:{c['port']}" for c in documents}
        vsctl: dict[str, list[str]] = {}
        for switch in switches:
            node = self._inventory.nodes[switch]
            if node["kind"] == "ovs":
                own = " ".join(targets[name] for name in node.get("controllers", ()))
                vsctl[switch] = [f"set-controller {switch} {own}" if own else f"del-controller {switch}"]
        self._vsctl(vsctl)

    def _mtus(self, names: Iterable[str]) -> None:
        lines: dict[str, list[str]] = {}
        for name in names:
            end = self._inventory.ends[name]
            word = "up" if end["up"] else "down"
            mark = f"{alias_words(self._inventory.mark)} " if self._is_switch(name) else ""
            lines.setdefault(end["node"], []).append(f"link set dev {name} mtu {end['mtu']} {mark}{word}")
        self._batch("ip", lines)

    def _mark(self, switches: Iterable[str]) -> None:
        """Mark the switches themselves; their ports are marked with their MTUs."""
        lines: dict[str, list[str]] = {}
        vsctl: dict[str, list[str]] = {}
        for name in switches:
            if self._inventory.nodes[name]["kind"] == "ovs":
                vsctl[name] = [bridge_words(name, self._inventory.mark)]
            else:
                lines[name] = [f"link set dev {name} {alias_words(self._inventory.mark)}"]
        self._batch("ip", lines)
        self._vsctl(vsctl)

    def _sorted(
        self, names: Iterable[str], line: str, command: str
    ) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Return lines for `ip` of bridges' ports, and commands for `ovs-vsctl` of Open vSwitches'."""
        lines: dict[str, list[str]] = {}
        vsctl: dict[str, list[str]] = {}
        for name in names:
            end = self._inventory.ends[name]
            if self._kind(name) == "bridge":
                lines.setdefault(end["node"], []).append(line.format(**end))
            elif self._kind(name) == "ovs":
                vsctl.setdefault(end["node"], []).append(command.format(**end))
        return lines, vsctl

    def _batch(self, program: str, lines: dict[str, list[str]], *, force: bool = False) -> None:
        argv = [program, "-force", "-batch", "-"]
        wanted = [self._inventory.batch(node, argv, some) for node, some in lines.items()]
        for node, (code, said) in zip(lines, self._fleet.batches(wanted)):  # noqa: B905 -- Python 3.9
            if code and not force and not _harmless(said):
                raise StepError(f"{program} in {node}: {said}")

    def _vsctl(self, commands: dict[str, list[str]]) -> None:
        """Run the commands of each worker's switches in one transaction."""
        of_worker: dict[str, list[str]] = {}
        for switch, some in commands.items():
            of_worker.setdefault(self._inventory.worker_of(switch), []).extend(some)
        for worker, some in of_worker.items():
            for at in range(0, len(some), 500):
                self._fleet.shell(worker, "ovs-vsctl -t 30 " + " -- ".join(some[at : at + 500]), _SECONDS)

    def _kind(self, name: str) -> str:
        return str(self._inventory.nodes[self._inventory.ends[name]["node"]]["kind"])

    def _is_switch(self, name: str) -> bool:
        return self._kind(name) != "host"


def _harmless(said: str) -> bool:
    """Return whether tc only told that there was nothing to delete, or that htb's quantum is large."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("Command failed")]
    return all(
        "Cannot delete qdisc" in line or "quantum of class" in line or "zero" in line for line in lines
    )
