"""Models of a scenario file, and the start times of its steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from stress.actions.base import Action
from stress.keys import Aim, Problems, TargetKeys, Word
from topologies.errors import Loc, ParameterError
from topologies.spec.quantity_types import Duration
from topologies.spec.section import EmptyIfNull, Section

Positive = Annotated[Duration, Field(gt=0)]


class Probe(Section):
    """Probe that is sent again and again while the network is under stress."""

    EXAMPLE: ClassVar[str] = "{probe: ping, pairs: 100, interval: 100 ms}"

    probe: Literal["ping", "tcp", "command"] = Field(description="Kind of probe", examples=["ping"])
    name: Word | None = Field(None, description="Name in limits and reports; default: the kind")
    source: Aim = Field(
        TargetKeys(kind="host"), description="Nodes that send probes", examples=[TargetKeys.EXAMPLE]
    )
    target: Aim = Field(
        TargetKeys(kind="host"), description="Nodes that answer", examples=[TargetKeys.EXAMPLE]
    )
    pairs: Annotated[int, Field(ge=1, le=100_000)] = Field(
        10, description="Number of pairs, selected by the seed"
    )
    interval: Positive = Field(0.1, description="Time between two probes of a pair", examples=["100 ms"])
    timeout: Positive = Field(1.0, description="Maximum time of an answer", examples=["1 s"])
    port: Annotated[int, Field(ge=1, le=65535)] = Field(7, description="Port of `probe: tcp`")
    command: list[str] | None = Field(
        None, description="Command of `probe: command`, run in the source; {target} is the target's address",
        examples=["[ping, -c1, '{target}']"],
    )  # fmt: skip

    def problems(self) -> Problems:
        """Yield the errors between the keys."""
        if self.probe == "command" and not self.command:
            yield (), "needs `command:`; write for example `command: [ping, -c1, '{target}']`"
        for key, probe in (("command", "command"), ("port", "tcp")):
            if key in self.model_fields_set and self.probe != probe:
                yield (key,), f"goes with `probe: {probe}`, not with `probe: {self.probe}`"


class Metrics(Section):
    """Metrics of the machine, and their interval."""

    EXAMPLE: ClassVar[str] = "{interval: 1 s}"

    interval: Annotated[Duration, Field(ge=0.1)] = Field(
        1.0, description="Time between two samples", examples=["1 s"]
    )
    ports: Aim | None = Field(
        None, description="Target whose port counters to record", examples=[TargetKeys.EXAMPLE]
    )


class Scenario(Section):
    """Scenario file. The action that a step names validates it."""

    name: Word = Field(description="Name of the scenario", examples=["port-churn"])
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(0, description="Seed of everything random")
    warmup: Duration = Field(0.0, description="Time before the steps; the runner only observes")
    duration: Positive | None = Field(
        None, description="Duration of all steps together; those without one share it", examples=["30 s"]
    )
    cooldown: Duration = Field(0.0, description="Time after the steps; the runner only observes")
    steps: Annotated[list[Any], Field(min_length=1)] = Field(
        description="Actions, one after the other", examples=["[{action: port-flap, rate: 100}]"]
    )
    probes: Annotated[list[Probe], EmptyIfNull(list)] = Field([], description="Probes",
                                                              examples=[f"[{Probe.EXAMPLE}]"])  # fmt: skip
    limits: Annotated[list[str], EmptyIfNull(list)] = Field(
        [], description="Limits", examples=["['errors == 0']"]
    )
    metrics: Annotated[Metrics, EmptyIfNull(dict)] = Field(Metrics(), description="Metrics of the machine")


@dataclass(frozen=True)
class Step:
    """Step with its time: `start` in seconds since the run began, `seconds` long.

    Steps with the same `group` run side by side; groups run one after the other.
    """

    action: Action
    name: str
    loc: Loc
    group: int
    start: float
    seconds: float

    @property
    def end(self) -> float:
        """End of the step, in seconds since the run began."""
        return self.start + self.seconds


Placed = tuple[Loc, Action]


def timed(scenario: Scenario, groups: list[list[Placed]], duration: float | None = None) -> list[Step]:
    """Return the steps with their names and times; ParameterError when the times don't fit.

    `duration` replaces the file's: durations that steps give shrink or grow in proportion.
    """
    names = _names(groups)
    lengths = _lengths(scenario, groups)
    factor = duration / sum(lengths) if duration is not None else 1.0
    steps: list[Step] = []
    start = scenario.warmup
    for number, (group, length) in enumerate(zip(groups, lengths, strict=True)):
        for loc, given in group:
            action = given
            if action.start >= length:
                raise ParameterError(
                    (*loc, "start"), f"is not before the step's end, {length:g} s after its begin"
                )
            own = min(action.length or length, length) - (0 if action.length else action.start)
            begin = start + action.start * factor
            name, seconds = next(names), own * factor
            action = action.model_copy(update={"name": name, "duration": seconds})
            steps.append(Step(action, name, loc, number, begin, seconds))
        start += length * factor
    return steps


def _lengths(scenario: Scenario, groups: list[list[Placed]]) -> list[float]:
    """Return the duration of each group, in seconds."""
    given = [max((a.start + a.length for _, a in group if a.length), default=0.0) for group in groups]
    open_ends = [not all(a.length for _, a in group) for group in groups]
    if scenario.duration is None:
        for group, length in zip(groups, given, strict=True):
            if not length:
                raise ParameterError(
                    (*group[0][0], "duration"),
                    "is missing, and so is the scenario's; write for example `duration: 10 s`",
                )
        return given
    left = scenario.duration - sum(given)
    sharing = [index for index, length in enumerate(given) if open_ends[index] and not length]
    if left < -1e-9 or (sharing and left <= 0):
        raise ParameterError(
            ("duration",), f"is shorter than its steps: they take {sum(given):g} s; write that or more"
        )
    for index in sharing:
        given[index] = left / len(sharing)
    return given


def _names(groups: list[list[Placed]]) -> Iterator[str]:
    """Yield a name for each step: its own, else its action's, numbered where there are several."""
    taken: dict[str, Loc] = {}
    for loc, action in (step for group in groups for step in group):
        if action.name is None:
            continue
        if action.name in taken:
            raise ParameterError(
                (*loc, "name"), f"`{action.name}` is the name of another step; give it its own"
            )
        taken[action.name] = loc
    for _, action in (step for group in groups for step in group):
        name, number = action.name or action.action, 1
        if action.name is None:
            while name in taken:
                number += 1
                name = f"{action.action}-{number}"
            taken[name] = ()
        yield name
