"""What other commands say of a stress run that goes on, or that was killed."""

from __future__ import annotations

from emulator.errors import BrokenError
from emulator.shaking import JOURNAL, goes_on, left_over
from emulator.state import NetworkState, names, state_root


def going_on(name: str) -> list[str]:
    """Return a line for people while a stress run shakes the network `name`."""
    shaken = goes_on(NetworkState(state_root(), name).folder)
    return ["a stress run is going on: what it has taken away may be missing"] if shaken else []


def require_unshaken(name: str) -> None:
    """Refuse to change the network `name` under a stress run: it would measure the change; BrokenError."""
    if goes_on(NetworkState(state_root(), name).folder):
        raise BrokenError(f"a stress run shakes `{name}`; wait for it, or end it with Ctrl-C")


def left_behind(name: str) -> list[str]:
    """Return what is wrong with the network `name` because a stress run was killed: a line or none."""
    return left_over(NetworkState(state_root(), name).folder)


def grown_beside(name: str) -> list[str]:
    """Return the networks that a killed run's ramp left beside the network `name`: they go down with it."""
    path = NetworkState(state_root(), name).folder / JOURNAL
    if not path.exists():
        return []
    from stress.recover import noted

    known = names()
    return [grown for grown in noted(path).get("networks", []) if grown in known]
