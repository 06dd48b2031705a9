"""First and last phase of a deployment: record, graph, hosts file and sysctls of the network."""

from __future__ import annotations

from emulator.engines.hosts_file import hosts_of
from emulator.engines.share import claim_vnis
from emulator.linux.ledgers.owners import Owner
from emulator.linux.ledgers.sysctl_ledger import SysctlLedger
from emulator.plan import Plan
from emulator.state import NetworkState, Record


def begin(
    plan: Plan, state: NetworkState, file: str, needs: dict[str, int]
) -> tuple[Record, tuple[str, ...]]:
    """Record what will be created, and raise the sysctls in `needs`.

    Returns the record, and notes for people.
    """
    state.make()
    record = Record.of_plan(plan, file)
    state.write(record)
    claim_vnis(state, plan)
    state.save(plan, hosts_of(plan))
    return record, raise_limits(state, needs)


def finish(state: NetworkState, record: Record) -> None:
    """Record that the network is up."""
    record.phase = "up"
    state.write(record)


def raise_limits(state: NetworkState, *needs: dict[str, int]) -> tuple[str, ...]:
    """Raise the machine's sysctls to the largest of `needs`, until the network is removed or the next call.

    Returns notes for people: sysctls that may not be raised from here.
    """
    largest = {name: max(each.get(name, 0) for each in needs) for each in needs for name in each}
    return SysctlLedger().require(Owner.here(state.root, state.name), largest)
