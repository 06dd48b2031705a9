"""Pings by the nodes' own `ping`: one command per node for many targets, and its output. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from emulator.access import Echo

_AT_ONCE = 16
"""Targets that one command pings at the same time."""

_SCRIPT = r"""
wait=$1; shift
for target; do
  { said=$(ping -n -q -c 1 -W "$wait" "$target" 2>/dev/null) && printf '%s %s\n' "$target" "${said##*= }"; } &
done
wait
"""
"""Prints `10.0.0.2 0.045/0.045/0.045/0.000 ms` for each target that answers."""


def rounds(echoes: Sequence[Echo]) -> list[list[int]]:
    """Return the positions of probes for each command: those of one source, 16 at most, each target once."""
    open_rounds: dict[int, list[int]] = {}
    targets: dict[int, set[str]] = {}
    out = []
    for at, echo in enumerate(echoes):
        current = open_rounds.get(echo.source)
        if current is None or len(current) == _AT_ONCE or echo.target in targets[echo.source]:
            current = open_rounds[echo.source] = []
            targets[echo.source] = set()
            out.append(current)
        current.append(at)
        targets[echo.source].add(echo.target)
    return out


def command(targets: Iterable[str], timeout: float) -> list[str]:
    """Return the command that pings `targets` once each, and waits `timeout` seconds for the answers."""
    wait = f"{max(timeout, 0.05):.3f}" if timeout < 1 else str(math.ceil(timeout))
    return ["sh", "-c", _SCRIPT, "sh", wait, *targets]


def answers(output: bytes) -> dict[str, float]:
    """Return the round-trip time in seconds of each target that answered."""
    out = {}
    for line in output.decode("ascii", "replace").splitlines():
        target, _, figures = line.partition(" ")
        try:
            out[target] = float(figures.split("/")[0]) / 1000
        except ValueError:  # a line of another program
            continue
    return out
