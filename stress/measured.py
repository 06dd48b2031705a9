"""What a run of a scenario measures: a limit on anything else is refused before the run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from stress.scenario.document import Scenario, Step
from topologies.errors import shortened
from topologies.suggestions import nearest

_WORD = r"([a-z0-9][a-z0-9-]*)"
_OPERATIONS = re.compile(
    rf"(?:{_WORD}\.(?:{_WORD}\.)?)?(?:(?:latency|lateness)\..+|achieved|errors|skipped|offered|rate|offered_rate)"
)
_EVENTS = re.compile(rf"(?:{_WORD}\.)?(?:convergence|recovery)\..+")
_PROBED = re.compile(
    rf"{_WORD}\.(?:rtt\..+|loss|blackhole|longest|pairs|sent|answered|late|unasked|windows|cpu)"
)
_FLOWS = re.compile(r"traffic\.(?:rate|slowest|flows|failed)")
_GROWN = re.compile(rf"{_WORD}\.last_good")
_OF_MACHINE = ("host.", "run.", "process.", "sampler.")


@dataclass(frozen=True)
class Measured:
    """The names that figures of a run may have. `steps`: name of a step or an action -> its verbs."""

    steps: Mapping[str, Collection[str]]
    probes: Collection[str] = ()
    ramps: Collection[str] = ()
    traffic: bool = False
    ports: bool = False

    @classmethod
    def by(cls, scenario: Scenario, steps: Iterable[Step]) -> Self:
        """Return what a run of these steps measures."""
        every = list(steps)
        verbs: dict[str, dict[str, None]] = {}
        for step in every:
            for name in (step.name, step.action.action):
                verbs.setdefault(name, {}).update(
                    dict.fromkeys(verb.replace(" ", "-") for verb in step.action.VERBS)
                )
        return cls(
            steps=verbs,
            probes=list(dict.fromkeys(probe.name or probe.probe for probe in scenario.probes)),
            ramps=[step.name for step in every if step.action.action == "ramp"],
            traffic=any(step.action.action == "traffic" for step in every),
            ports=scenario.metrics.ports is not None,
        )

    @property
    def names(self) -> list[str]:
        """The names of steps, actions and probes."""
        return [*self.steps, *self.probes]

    def why_not(self, figure: str) -> str:
        """Return why a figure of the grammar isn't measured, and which are; nothing when it is."""
        if figure.startswith("port."):
            return "" if self.ports else "no ports are recorded; write for example `metrics: {ports: host}`"
        if figure.startswith(_OF_MACHINE):
            return ""
        if _FLOWS.fullmatch(figure) and (self.traffic or "traffic" not in self.steps):
            return "" if self.traffic else "the scenario has no `traffic` step"
        if found := _OPERATIONS.fullmatch(figure):
            return self._operations(found[1], found[2])
        if found := _EVENTS.fullmatch(figure):
            return self._operations(found[1], None) or self._probed("probe")
        if found := _PROBED.fullmatch(figure):
            return self._probed(found[1])
        if found := _GROWN.fullmatch(figure):
            return _among(found[1], self.ramps, "ramp")
        return ""

    def _operations(self, name: str | None, verb: str | None) -> str:
        wrong = "" if name is None else _among(name, self.steps, "step or action")
        if wrong or verb is None or name is None or verb in self.steps[name]:
            return wrong
        return f"`{name}` has no verb `{shortened(verb)}`; {nearest(verb, self.steps[name])}"

    def _probed(self, name: str) -> str:
        return _among(name, [*self.probes, "probe"] if self.probes else [], "probe")


def _among(name: str, known: Collection[str], what: str) -> str:
    """Return the words for a name that isn't known, with those that are; nothing when it is."""
    if name in known:
        return ""
    if not known:
        return f"the scenario has no {what}s"
    return f"there is no {what} `{shortened(name)}`; {nearest(name, known)}"
