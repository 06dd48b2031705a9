"""Give back what a killed stress run had taken: `stress --recover`, and `up` before anything else."""

from __future__ import annotations

from emulator.cli.output import say
from emulator.cli.under_stress import grown_beside, held_for_stress, journal_of, left_behind
from emulator.errors import EmulationError
from emulator.network import Network


def recover_run(network: Network) -> list[str]:
    """Give back what a killed run of `network` had taken; print it and return it, a line each."""
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
    """Do so where a killed run has anything of the network `name`; `up` would hide it, or destroy it.

    Where that can't be done, the network is broken beyond it: `up` makes such a one anew, or says why not.
    """
    if not left_behind(name):
        return []
    from emulator.engines.registry import attach, take_down

    try:
        network = attach(name)
    except EmulationError:  # a damaged record: what the run made beside it doesn't go with it
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
