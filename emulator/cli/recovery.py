"""Restore what a killed stress run removed: `stress --recover`, and the first step of `up`."""

from __future__ import annotations

from emulator.cli.output import say
from emulator.cli.under_stress import grown_beside, held_for_stress, journal_of, left_behind
from emulator.errors import EmulationError
from emulator.network import Network


def recover_run(network: Network) -> list[str]:
    """Restore what a killed run of `network` removed; print it and return it, one line each."""
    with held_for_stress(network.name):
        return _recovered(network)


def _recovered(network: Network) -> list[str]:
    from emulator.engines.registry import take_down
    from emulator.stress_recovery import recover

    given = recover(network, journal_of(network.name), take_down)
    for line in given:
        say(line)
    found = f"{len(given)} things restored" if given else "nothing was missing"
    say(f"{network.name}: {found}")
    return given


def recover_before_up(name: str, engine: str) -> list[str]:
    """Restore the network `name` if a killed run left anything: `up` would hide or destroy it.

    If that fails, the network is broken beyond it: `up` creates it again, or says why not.
    """
    if not left_behind(name):
        return []
    from emulator.engines.registry import attach, take_down

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
            return _recovered(network)
        except EmulationError as error:
            say(f"{name}: could not restore what a killed stress run had removed: {error}")
            return []
