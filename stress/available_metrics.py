"""Figures that a run of a scenario measures: a limit on any other is refused before the run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from stress.metrics.figure_table import figure_of
from stress.scenario.model import Scenario, Step
from topologies.errors import shortened
from topologies.suggestions import nearest

_OF_MACHINE = ("host.", "run.", "process.", "sampler.")


@dataclass(frozen=True)
class AvailableMetrics:
    """Names that figures of a run can have. `steps`: name of a step or an action -> its verbs."""

    steps: Mapping[str, Collection[str]]
    probes: Collection[str] = ()
    ramps: Collection[str] = ()
    traffic: bool = False
    ports: bool = False

    @classmethod
    def of(cls, scenario: Scenario, steps: Iterable[Step]) -> Self:
        """Return the metrics of a run of these steps."""
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
            ramps=[step.name for step in every if step.action.action in {"ramp", "vpc-growth"}],
            traffic=any(step.action.action == "traffic" for step in every),
            ports=scenario.metrics.ports is not None,
        )

    @property
    def names(self) -> list[str]:
        """Names of steps, actions and probes."""
        return [*self.steps, *self.probes]

    def why_not(self, figure: str) -> str:
        """Return why a run doesn't measure `figure`, and which ones it does; nothing when it does."""
        if figure.startswith("port."):
            return "" if self.ports else "no ports are recorded; write for example `metrics: {ports: host}`"
        row = figure_of(figure)
        if row is None or figure.startswith(_OF_MACHINE):
            return ""
        found = row.fullmatch(figure)
        groups = found.groupdict() if found else {}
        who, verb = groups.get("who"), groups.get("verb")
        if row.source == "flows":
            missing = not self.traffic and "traffic" not in self.steps
            return "the scenario has no `traffic` step" if missing else ""
        if row.source == "operations":
            return self._operations(who, verb)
        if row.source == "events":
            return self._operations(who, None) or self._probed("probe")
        if row.source == "probes":
            return self._probed(who or "probe")
        return _among(who or "", self.ramps, "ramp") if row.source == "ramps" else ""

    def _operations(self, name: str | None, verb: str | None) -> str:
        wrong = "" if name is None else _among(name, self.steps, "step or action")
        if wrong or verb is None or name is None or verb in self.steps[name]:
            return wrong
        return f"`{name}` has no verb `{shortened(verb)}`; {nearest(verb, self.steps[name])}"

    def _probed(self, name: str) -> str:
        return _among(name, [*self.probes, "probe"] if self.probes else [], "probe")


def _among(name: str, known: Collection[str], what: str) -> str:
    """Return the message for an unknown name, with the known ones; nothing for a known one."""
    if name in known:
        return ""
    if not known:
        return f"the scenario has no {what}s"
    return f"there is no {what} `{shortened(name)}`; {nearest(name, known)}"
