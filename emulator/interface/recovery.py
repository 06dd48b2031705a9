"""Restore what a killed stress run removed: `stress --recover`, and the first step of `up`."""

from __future__ import annotations

from collections.abc import Callable

from emulator.engines.registry import attach, take_down
from emulator.errors import EmulationError
from emulator.network import Network
from emulator.stress_recovery import recover
from emulator.under_stress import grown_beside, held_for_stress, journal_of, left_behind
from topologies.counting import counted

Tell = Callable[[str], None]
"""Takes a line for people."""


def recover_run(network: Network, tell: Tell) -> list[str]:
    """Restore what a killed run of `network` removed; tell it and return it, one line each."""
    with held_for_stress(network.name):
        return _recovered(network, tell)


def _recovered(network: Network, tell: Tell) -> list[str]:
    given = recover(network, journal_of(network.name), take_down)
    for line in given:
        tell(line)
    found = f"{counted(len(given), 'thing')} restored" if given else "nothing was missing"
    tell(f"{network.name}: {found}")
    return given


def recover_before_up(name: str, engine: str, tell: Tell) -> list[str]:
    """Restore the network `name` if a killed run left anything: `up` would hide or destroy it.

    If that fails, the network is broken beyond it: `up` creates it again, or says why not.
    """
    if not left_behind(name):
        return []
    try:
        network = attach(name)
    except EmulationError:  # a damaged record: the run's additions beside it remain
        for grown in grown_beside(name):
            take_down(grown)
        return []
    if network.engine != engine:
        return []
    with held_for_stress(name):
        try:
            return _recovered(network, tell)
        except EmulationError as error:
            tell(f"{name}: could not restore what a killed stress run had removed: {error}")
            return []
