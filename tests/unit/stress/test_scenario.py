from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import stress
from stress.actions.registry import ACTIONS, action_named
from stress.scenario.load import load, load_text
from stress.scenario.schema import schema

EXAMPLES = sorted((Path(stress.__file__).parent / "examples").glob("*.yaml"))
BAD = Path(__file__).parents[2] / "golden" / "stress" / "bad"


def times(text: str, duration: float | None = None) -> list[tuple[str, float, float]]:
    return [(s.name, s.start, s.seconds) for s in load_text(text).steps(duration)]


FLAP = "{action: port-flap, rate: 1}"
CHURN = "{action: node-churn, rate: 1, duration: 4 s}"


def test_steps_without_a_duration_share_what_is_left() -> None:
    text = f"name: x\nwarmup: 1 s\nduration: 10 s\nsteps: [{FLAP}, {CHURN}, {FLAP}]"
    assert times(text) == [("port-flap", 1.0, 3.0), ("node-churn", 4.0, 4.0), ("port-flap-2", 8.0, 3.0)]


def test_another_duration_stretches_all_steps_alike() -> None:
    text = f"name: x\nwarmup: 1 s\nduration: 10 s\nsteps: [{FLAP}, {CHURN}]"
    assert times(text, 5.0) == [("port-flap", 1.0, 3.0), ("node-churn", 4.0, 2.0)]


def test_steps_side_by_side_begin_together_or_when_they_say() -> None:
    text = (
        "name: x\nduration: 10 s\nsteps:\n- parallel:\n"
        "  - {action: port-flap, rate: 1}\n  - {action: node-churn, rate: 1, start: 2 s, duration: 3 s}\n"
        "- {action: port-flap, rate: 1, duration: 4 s}\n"
    )
    assert times(text) == [("port-flap", 0.0, 3.0 + 2), ("node-churn", 2.0, 3.0), ("port-flap-2", 5.0, 4.0)]


def test_a_name_of_its_own_is_not_given_to_another() -> None:
    text = f"name: x\nduration: 2 s\nsteps: [{FLAP}, {{action: node-churn, name: port-flap, rate: 1}}]"
    assert [name for name, _, _ in times(text)] == ["port-flap-2", "port-flap"]


def test_a_word_is_short_for_a_target() -> None:
    found = load_text("name: x\nduration: 1 s\nsteps: [{action: port-flap, rate: 1, target: edge}]")
    assert found.groups[0][0][1].target.match == "edge"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ACTIONS)
def test_the_example_of_every_action_is_a_valid_step(name: str) -> None:
    example = action_named(name).EXAMPLE
    found = load_text(f"name: x\nduration: 60 s\nsteps: [{example}]")
    assert found.groups[0][0][1].action == name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid_for_loader_and_schema(path: Path) -> None:
    assert load(path).scenario.name == path.stem
    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    "name", ["unknown-key", "unknown-action", "unknown-step-key", "wrong-arrival", "no-name", "negative-rate"]
)
def test_the_schema_refuses_what_the_loader_refuses(name: str) -> None:
    data: Any = yaml.safe_load((BAD / f"{name}.yaml").read_text())
    assert not jsonschema.Draft202012Validator(schema()).is_valid(data)


def test_there_is_a_ready_scenario_for_each_purpose() -> None:
    wanted = {"port-churn", "node-churn", "fabric-failure", "rolling-restart", "soak", "mininet-capacity"}
    assert wanted <= {path.stem for path in EXAMPLES}
