"""Give back what a killed stress run had taken: `stress --recover`, and `up` before anything else."""

from __future__ import annotations

from emulator.cli.output import say
from emulator.cli.stress_network import alone, journal_of
from emulator.cli.stress_notes import grown_beside, left_behind
from emulator.errors import EmulationError
from emulator.network import Network


def give_back(network: Network) -> list[str]:
    """Give back what a killed run of `network` had taken; print it and return it, a line each."""
    with alone(network):
        return _given_back(network)


def _given_back(network: Network) -> list[str]:
    from emulator.engines.registry import take_down
    from stress.recover import recover

    given = recover(network, journal_of(network), take_down)
    for line in given:
        say(line)
    found = f"{len(given)} things given back" if given else "nothing was missing"
    say(f"{network.name}: {found}")
    return given


def give_back_before_up(name: str, engine: str) -> list[str]:
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
    with alone(network):
        try:
            return _given_back(network)
        except EmulationError as error:
            say(f"{name}: what a killed stress run had taken could not be given back: {error}")
            return []
