"""Compare the round trips of a check's probes with the delays of links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emulator.access import Access, Echo
from emulator.checks.crossing_times import HIGH, LOW
from emulator.checks.late_answers import allowed, least_times
from emulator.checks.round_trips import RoundTrips
from emulator.link_states import States
from topologies.openflow_switches import controllers_of
from topologies.quantities import TIME
from topologies.topology import Topology

Question = tuple[int, int, Echo]
"""A pair of nodes, and the probe from the first to an address of the second."""


@dataclass(frozen=True)
class WrongRoundTrip:
    """A round trip that isn't what the delays of links make: seconds, and the bounds for it."""

    source: str
    target: str
    address: str
    expected: tuple[float, float]
    found: float

    @property
    def words(self) -> str:
        """Return one line for people."""
        least, most = (_rounded(seconds) for seconds in self.expected)
        made = "the links have no delay"
        if self.expected[1]:
            made = f"the links' delays make {least}" + ("" if least == most else f" to {most}")
        return f"{self.source} -> {self.target} ({self.address}): round trip {_rounded(self.found)}, {made}"

    @property
    def json(self) -> dict[str, object]:
        """Return the object for programs."""
        return {
            "from": self.source, "to": self.target, "address": self.address,
            "expected_seconds": [round(seconds, 9) for seconds in self.expected],
            "found_seconds": round(self.found, 9),
        }  # fmt: skip


class RoundTripCheck:
    """Check of the round trips of `questions` over the links that are up, some changed to `states`."""

    def __init__(
        self, topology: Topology, states: States, up: npt.NDArray[np.bool_], questions: Sequence[Question]
    ) -> None:
        trips = RoundTrips(topology, states, up)
        self._questions = questions
        self._names = topology.names
        self._bounds = trips.of([(a, b, echo.target) for a, b, echo in questions])
        self._asked = bool(controllers_of(topology))
        self._allowed = allowed(self._bounds, strict=trips.delayed and not self._asked)

    @property
    def longest(self) -> float:
        """Return how many seconds delays make of the longest round trip, with the one of ARP before it.

        It is 0 with a controller: there the bounds may be those of paths that no packet takes.
        """
        high = self._bounds[:, HIGH]
        return 0.0 if self._asked else float(2 * high[np.isfinite(high)].max(initial=0.0))

    def compare(
        self, access: Access, times: Sequence[float | None], timeout: float
    ) -> tuple[int, list[WrongRoundTrip]]:
        """Return how many pairs were compared, and the round trips that are wrong.

        `times` are those of the first probes, in seconds; late ones are sent again.
        """
        known = {
            at: seconds
            for at, seconds in enumerate(times)
            if seconds is not None and self._questions[at][2].expected
        }
        numbers = list(known)
        limits = self._allowed[numbers]
        echoes = [self._questions[at][2] for at in numbers]
        least = least_times(access, echoes, list(known.values()), limits[:, 1].tolist(), timeout)
        wrong = [
            self._wrong(at, seconds)
            for at, seconds, (early, late) in zip(numbers, least, limits.tolist(), strict=True)
            if not early <= seconds <= late
        ]
        return len({self._questions[at][:2] for at in numbers}), wrong

    def _wrong(self, number: int, seconds: float) -> WrongRoundTrip:
        a, b, echo = self._questions[number]
        low, high = self._bounds[number, [LOW, HIGH]].tolist()
        return WrongRoundTrip(self._names[a], self._names[b], echo.target, (low, high), seconds)


def _rounded(seconds: float) -> str:
    return TIME.text(float(f"{seconds:.3g}"))
