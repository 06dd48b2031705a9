"""All that a network has on the machine: lead it to the plan, compare it, give the machine back its own."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network

from emulator.deviation import Deviation
from emulator.linux import nftables
from emulator.linux.ledgers.forwarding_ledger import ForwardingLedger, forwards_here
from emulator.linux.ledgers.owners import Owner
from emulator.linux.namespaces.network_identity import network_identity
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.outside.lent import give_back, lend, lent_deviations, restore_settings
from emulator.linux.outside.machine import bind_machine, found_again, in_machine
from emulator.linux.outside.machine_networks import free_network, networks_here, networks_of, reached_networks
from emulator.linux.outside.note import Lent, Note, Uplink, read_note, write_note
from emulator.linux.outside.uplinks import PREFIX, interface_for, masquerades, put_uplink, uplink_deviations
from emulator.node_namespaces import MACHINE_FILE
from emulator.plan_part import PlanPart
from emulator.state import NetworkState
from topologies.outside import OUTSIDE
from topologies.outside_nodes import lent_interfaces, uplinked_nodes
from topologies.topology import Topology


class Ways:
    """What the network whose `state` and `store` these are has on the machine."""

    def __init__(self, state: NetworkState, store: NamespaceStore) -> None:
        self._state, self._store = state, store
        self._owner = Owner.here(state.root, state.name)

    def prepare(self, part: PlanPart) -> None:
        """Bind the machine's namespace if the network touches it. Call inside the store's mounts."""
        if _touches(part.topology):
            bind_machine(self._store)

    def lead(self, part: PlanPart) -> tuple[str, ...]:
        """Create what the plan wants on the machine, and remove the rest; return lines for people."""
        old = read_note(self._state.folder)
        if not _touches(part.topology) and not old.machine:
            return ()
        with self._store.entered():
            bind_machine(self._store)
            note = self._planned(part, old)
            give_back(self._store, self._state.folder, old, lambda lent: lent not in note.lent)
            write_note(self._state.folder, note)
            lend(self._store, self._state.folder, note)
            for uplink in note.uplinks:
                put_uplink(uplink, self._store)
            with in_machine(self._store):
                self._lead_machine(note)
                dropping = nftables.dropping_chains()
        return (*_words(note), *_dropped(note, dropping))

    def _planned(self, part: PlanPart, old: Note) -> Note:
        """Return the note of what the plan wants; uplinks keep their networks."""
        names, known = part.topology.names, {uplink.node: uplink for uplink in old.uplinks}
        with in_machine(self._store):
            here, machine = networks_here(), network_identity()
        mine = {uplink.interface for uplink in old.uplinks}
        taken = [network for network, device in here.items() if device not in mine]
        taken += networks_of(part.topology)
        note = Note(machine, f"emulator-{self._state.name}", f"emulator: {self._state.folder}")
        for node in filter(part.has, uplinked_nodes(part.topology)):
            name = names[node]
            interface = interface_for(self._state.root, self._state.name, name)
            stated = part.topology.node_profile_of(node).outside.uplink
            kept = known[name].network if name in known else ""
            network = IPv4Network(stated or kept or free_network(taken, interface))
            taken.append(network)
            note.uplinks.append(Uplink(name, str(network), interface, *_machine_place(part, node)))
        settings = {(lent.node, lent.name, lent.addresses): lent.settings for lent in old.lent}
        for node, interfaces in lent_interfaces(part.topology).items():
            for one in interfaces if part.has(node) else ():
                key = (names[node], one.name, one.addresses)
                note.lent.append(Lent(*key, settings.get(key)))
        return note

    def _lead_machine(self, note: Note) -> None:
        """Set the rules and the forwarding of the machine; this thread is in its namespace."""
        rules = masquerades(note.uplinks)
        if rules:
            if not nftables.is_whole(note.table, rules):
                nftables.put_table(note.table, note.comment, rules)
            ForwardingLedger().require(self._owner, note.machine)
        else:
            self._clear(note)

    def deviations(self, part: PlanPart) -> list[Deviation]:
        """Return what differs from the plan on the machine, and on the nodes' ways to it."""
        note, out = read_note(self._state.folder), list[Deviation]()
        if not _touches(part.topology):
            return out
        with self._store.entered():
            files = self._store.files()
            if MACHINE_FILE not in files:
                return [Deviation("machine", "the machine's namespace", "known", "missing")]
            for uplink in note.uplinks:
                if uplink.node in files:  # else it is reported as a missing node
                    out += uplink_deviations(uplink, self._store)
            for lent in note.lent:
                if lent.node in files:
                    out += lent_deviations(self._store, lent)
            if masquerades(note.uplinks):
                with in_machine(self._store):
                    out += _machine_deviations(note)
        return out

    def remove(self) -> None:
        """Give the machine back its own; it may be repeated, and works without the network's namespaces."""
        note = read_note(self._state.folder)
        if not note.machine:
            return
        if self._store.exists:
            with self._store.entered():
                if MACHINE_FILE in self._store.files():
                    give_back(self._store, self._state.folder, note)
                    with in_machine(self._store):
                        self._clear(note)
                    return
        with found_again(note.machine) as there:
            if there:
                for lent in note.lent:  # hardware is brought back by the kernel
                    restore_settings(lent)
                self._clear(note)

    def _clear(self, note: Note) -> None:
        nftables.delete_table(note.table, note.comment)
        ForwardingLedger().release(self._owner, note.machine)


def _touches(topology: Topology) -> bool:
    """Return whether a network has anything of the machine."""
    return bool(uplinked_nodes(topology) or lent_interfaces(topology))


def _machine_place(part: PlanPart, node: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the IPv4 addresses of the machine in the network, and the networks that it reaches there."""
    if part.topology.node_profile_of(node).outside.kind != OUTSIDE:
        return (), ()
    places = tuple(a.text for a in part.forwarding.addresses(node) if a.version == 4)
    return places, tuple(str(network) for network in reached_networks(part.topology))


def _machine_deviations(note: Note) -> Iterable[Deviation]:
    """Yield the differences of the machine's rules and of its forwarding."""
    if not nftables.is_whole(note.table, masquerades(note.uplinks)):
        words = f"rules of the nf_tables table {note.table}"
        yield Deviation("machine", words, "those of the plan", "others")
    if not forwards_here():
        yield Deviation("machine", "net.ipv4.ip_forward", "1", "0")


def _dropped(note: Note, chains: list[str]) -> Iterable[str]:
    """Yield a line where the machine's firewall keeps packets from a nat."""
    if chains and masquerades(note.uplinks):
        rules = " and ".join(f"`iptables -I FORWARD -{way} {PREFIX}+ -j ACCEPT`" for way in "io")
        yield f"{', '.join(chains)} of the machine's firewall may drop what nodes send out; {rules} allow it"


def _words(note: Note) -> Iterable[str]:
    """Yield lines for people on what the network has on the machine."""
    for uplink in note.uplinks:
        way = f"{uplink.interface} on the machine, {uplink.machine}/{uplink.length}"
        if uplink.is_nat:
            rules = f"table {note.table} masquerades, net.ipv4.ip_forward is 1"
            yield f"{uplink.node} leads out by {way}; {rules}"
        else:
            where = f"the machine is {' '.join(uplink.places)} in the network"
            yield f"{uplink.node} leads in by {way}: {where}, and has routes to {' '.join(uplink.reached)}"
    for lent in note.lent:
        yield f"{lent.node} has the machine's interface {lent.name} until the network is down"
