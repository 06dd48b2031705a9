from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

import stress
from stress.actions.registry import ACTIONS, action_named
from stress.keys import Churn, Paced, Stage, StepKeys, TargetKeys
from stress.scenario.load import load, load_text
from stress.scenario.model import Metrics, Probe, Scenario
from stress.scenario.schema import schema
from topologies.errors import InputError

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


def test_a_topology_file_is_called_what_it_is() -> None:
    with pytest.raises(InputError, match="is a topology file; give a scenario") as caught:
        load_text("name: t\ntopology: {generator: ring}\n")
    assert len(caught.value.problems) == 1


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
    "name",
    [
        "unknown-key",
        "unknown-action",
        "unknown-step-key",
        "wrong-arrival",
        "no-name",
        "negative-rate",
        "stages-malformed",
        "stages-of-another-action",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(name: str) -> None:
    data: Any = yaml.safe_load((BAD / f"{name}.yaml").read_text())
    assert not jsonschema.Draft202012Validator(schema()).is_valid(data)


def test_the_schema_takes_stages_as_the_loader_does() -> None:
    stages = "[{duration: 5 s, rate: 50}, {duration: 1 min, rate: 0, change: step}]"
    text = f"name: x\nsteps: [{{action: port-flap, from_rate: 3, stages: {stages}}}]"
    assert load_text(text).steps()[0].seconds == 65
    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(text))


def test_there_is_a_ready_scenario_for_each_purpose() -> None:
    wanted = {
        "vpc-migration",
        "vpc-churn",
        "vpc-spine-failure",
        "port-churn",
        "node-churn",
        "fabric-failure",
        "rolling-restart",
        "soak",
        "mininet-capacity",
    }
    assert wanted <= {path.stem for path in EXAMPLES}


PAGE = (Path(__file__).parents[3] / "docs" / "stress-keys.md").read_text()


def keys_of(model: type[BaseModel], besides: type[BaseModel] | None = None) -> dict[str, FieldInfo]:
    """Return the fields that a model has besides those of another, or that are other than there."""
    others = besides.model_fields if besides is not None else {}
    return {key: field for key, field in model.model_fields.items() if repr(others.get(key)) != repr(field)}


def rows(title: str) -> dict[tuple[str, ...], str]:
    """Return the rows of the tables below a title: their names -> what holds when they aren't given."""
    part = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.split(" | ")] for line in part.splitlines() if line[:3] == "| `"]
    return {tuple(cell.strip("|` ") for cell in row[:-2]): row[-2] for row in cells}


SECTIONS: list[tuple[str, dict[tuple[str, ...], FieldInfo]]] = [
    *((title, {(key,): field for model in models for key, field in keys_of(model, besides).items()})
      for title, models, besides in (
          ("The file", [Scenario], None), ("Targets", [TargetKeys], None), ("Every step", [StepKeys], None),
          ("Pace", [Paced, Churn], StepKeys), ("Stages", [Stage], None),
          ("Probes", [Probe], None), ("Metrics", [Metrics], None))),
    ("Keys of the actions", {
        (name, key): field for name in ACTIONS if (kind := action_named(name))
        for key, field in keys_of(kind, Paced if issubclass(kind, Paced) else StepKeys).items()
        if key != "action"}),
]  # fmt: skip


@pytest.mark.parametrize(("title", "fields"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_the_page_has_every_key_and_what_it_is_when_not_given(
    title: str, fields: dict[tuple[str, ...], FieldInfo]
) -> None:
    found = rows(title)
    assert set(found) == set(fields)
    for names, field in fields.items():
        given = found[names]
        assert (given == "required") == field.is_required(), names
        if given.startswith("`"):
            value = yaml.safe_load(given.strip("`"))
            assert TypeAdapter(field.rebuild_annotation()).validate_python(value) == field_default(field), (
                names
            )
        else:
            assert not isinstance(field.default, (int, float, str)), names


def field_default(field: FieldInfo) -> object:
    """Return a field's default, a target as the word that is short for it."""
    if isinstance(field.default, TargetKeys):
        return TargetKeys(match=field.default.kind)
    return field.default
