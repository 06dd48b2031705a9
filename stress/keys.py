"""Keys that steps share: targets and pace.

`rate` is an open loop: operations begin when they are due, whether or not earlier ones are done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic.json_schema import JsonSchemaValue

from topologies.errors import Loc, shortened
from topologies.names import NETWORK_NAME
from topologies.spec.quantity_types import Duration, Share
from topologies.spec.rules import NodeKind
from topologies.spec.section import OtherForms, Section

Problems = Iterator[tuple[Loc, str]]
"""Errors between keys: (path below the step, message)."""


def word(value: str) -> str:
    """Return `value` if it can name a scenario or a step, for use in file names and limits."""
    if NETWORK_NAME.fullmatch(value):
        return value
    raise ValueError(f"`{shortened(value)}` is not a name; use a-z, 0-9 and `-`, 32 characters at most")


Word = Annotated[str, AfterValidator(word)]


class WordOrMapping(OtherForms):
    """Marker of a mapping with a bare word as its short form: `target: host` is `target: {match: host}`."""

    def __init__(self, key: str) -> None:
        self._key = key

    def _own_form(self, value: Any) -> Any:
        return {self._key: value} if isinstance(value, str) else value

    def _schemas(self) -> list[JsonSchemaValue]:
        return [{"type": "string"}]


class TargetKeys(Section):
    """Selection of nodes (or their ports and links): all keys present must match; then how many of them."""

    EXAMPLE: ClassVar[str] = "{kind: host, percent: 10 %}"

    match: str | None = Field(None, description="A kind, a tier or a name glob")
    kind: NodeKind | None = None
    tier: str | None = None
    name: str | None = Field(None, description="A shell pattern: h[1-4], edge*, …")
    between: Annotated[list[str], Field(min_length=2, max_length=2)] | None = Field(
        None,
        description="Links (and their ports) between two kinds, tiers or globs",
        examples=["[edge, spine]"],
    )
    count: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Number of targets, selected by the seed"
    )
    percent: Annotated[Share, Field(gt=0)] | None = Field(
        None, description="Share of the targets, selected by the seed"
    )


Aim = Annotated[TargetKeys, WordOrMapping("match")]


def aim_problems(section: Section) -> Problems:
    """Yield the errors between the keys of a section's targets."""
    for key in type(section).model_fields:
        aim = getattr(section, key)
        if isinstance(aim, TargetKeys) and aim.count is not None and aim.percent is not None:
            yield (key, "percent"), "can't be combined with `count`; keep one of the two"


class Churn(Section):
    """Churn: a share of the targets at once, cycle after cycle, as in kube-burner."""

    EXAMPLE: ClassVar[str] = "{percent: 10 %, delay: 5 s}"

    percent: Annotated[Share, Field(gt=0)] = Field(
        description="Share of the targets in each cycle", examples=["10 %"]
    )
    delay: Duration = Field(1.0, description="Time between two cycles")
    cycles: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Number of cycles; default: as many as fit"
    )


class StepKeys(Section):
    """Keys of every step."""

    EXAMPLE: ClassVar[str] = "{action: port-flap, rate: 100}"

    action: str = Field(description="The action")
    name: Word | None = Field(None, description="Name in limits and reports; default: the action's")
    duration: Annotated[Duration, Field(gt=0)] | None = Field(
        None, description="Duration; default: an equal share of what the scenario's leaves", examples=["10 s"]
    )
    start: Duration = Field(0.0, description="Time between the beginning of `parallel` and of this step")

    def problems(self) -> Problems:
        """Yield the errors between the keys."""
        yield from ()

    @property
    def length(self) -> float | None:
        """Duration that the file gives the step, in seconds."""
        return self.duration


class Stage(Section):
    """Stage of a step's load, as in k6: its rate is reached in a straight line, or at once."""

    EXAMPLE: ClassVar[str] = "{duration: 10 s, rate: 100}"

    duration: Annotated[Duration, Field(gt=0)] = Field(description="Duration of the stage", examples=["10 s"])
    rate: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        description="Operations that begin per second at the end of the stage", examples=["100"]
    )
    change: Literal["linear", "step"] = Field(
        "linear", description="The rate changes during the stage in a straight line, or at its begin"
    )


class Paced(StepKeys):
    """Keys of a step of many operations: their targets and times."""

    target: Aim = Field(TargetKeys(), description="Targets; default: all", examples=[TargetKeys.EXAMPLE])
    rate: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        None, description="Operations that begin per second", examples=["100"]
    )
    arrival: Literal["constant", "poisson", "ramp", "burst"] = Field(
        "constant",
        description="Arrivals: at equal intervals, at random, faster and faster, or several at once",
    )
    from_rate: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        0.0, description="Rate at the beginning of `arrival: ramp` and of `stages`"
    )
    stages: Annotated[list[Stage], Field(min_length=1, max_length=1000)] | None = Field(
        None,
        description="Instead of `rate` and `duration`: rates that the step goes through",
        examples=[f"[{Stage.EXAMPLE}, {{duration: 20 s, rate: 100}}, {{duration: 10 s, rate: 0}}]"],
    )
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        10, description="Operations that begin at once with `arrival: burst`"
    )
    churn: Churn | None = Field(
        None,
        description="Instead of `rate`: a share of the targets at once, in cycles",
        examples=[Churn.EXAMPLE],
    )

    def problems(self) -> Problems:
        """Yield the errors between the keys."""
        given = self.model_fields_set
        if self.rate is None and self.stages is None and self.churn is None:
            words = "needs `rate:` (how many begin per second), `stages:` or `churn:`"
            yield (), f"{words}; write for example `rate: 100`"
        if self.rate is not None and self.churn is not None:
            yield ("churn",), "can't be combined with `rate`; keep one of the two"
        for key, arrival in (("from_rate", "ramp"), ("burst", "burst")):
            staged = key == "from_rate" and self.stages is not None
            if key in given and self.arrival != arrival and not staged:
                yield (key,), f"goes with `arrival: {arrival}`, not with `arrival: {self.arrival}`"
        if self.churn is not None and "arrival" in given:
            yield ("arrival",), "goes with `rate`, not with `churn`"
        yield from self._stage_problems()

    def _stage_problems(self) -> Problems:
        if self.stages is None:
            return
        for key, other in (("rate", self.rate), ("churn", self.churn)):
            if other is not None:
                yield ("stages",), f"can't be combined with `{key}`; keep one of the two"
        if self.duration is not None:
            yield ("duration",), "can't be combined with `stages`, whose durations it is the sum of"
        if self.arrival in {"ramp", "burst"}:
            words = f"`{self.arrival}` can't be combined with `stages`; use `constant` or `poisson`"
            yield ("arrival",), words
        if not self.highest_rate:
            yield ("stages",), "begin nothing; give one of them a rate above 0"

    @property
    def length(self) -> float | None:
        """Duration that the file gives the step, or its stages together, in seconds."""
        return self.duration if self.stages is None else sum(stage.duration for stage in self.stages)

    @property
    def highest_rate(self) -> float:
        """The highest number of operations per second that begin; 0 for churn."""
        return max(self.rate or 0.0, self.from_rate, *(stage.rate for stage in self.stages or ()))
