"""JSON schema of scenario files for editors, generated from the models.

Draft 2020-12 (json-schema.org). The keys of a step depend on its `action` by if-then.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from stress.actions.registry import ACTIONS, action_named
from stress.scenario.model import Scenario
from topologies.source import parse

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_MODE: JsonSchemaMode = "validation"
_REF = "#/$defs/"


def schema() -> Schema:
    """Return the JSON schema of a scenario file."""
    actions = {name: action_named(name) for name in ACTIONS}
    models: list[type[BaseModel]] = [Scenario, *actions.values()]
    refs, made = models_json_schema([(model, _MODE) for model in models], ref_template=f"{_REF}{{model}}")
    definitions: Schema = made["$defs"]
    for definition in definitions.values():
        for key in definition.get("properties", {}).values():
            if isinstance(key, dict) and "examples" in key:
                key["examples"] = [parse(example, "example").data for example in key["examples"]]
    cases = {name: refs[model, _MODE] for name, model in actions.items()}
    definitions["Step"] = _step(cases)
    scenario = definitions.pop(str(refs[Scenario, _MODE]["$ref"]).removeprefix(_REF))
    scenario["properties"]["steps"]["items"] = {"anyOf": [{"$ref": f"{_REF}Step"}, _side_by_side()]}
    return {"$schema": DIALECT, **scenario, "title": "Scenario file", "$defs": definitions}


def _step(cases: dict[str, Schema]) -> Schema:
    """Return the schema of a step: its action decides the other keys that are allowed."""
    return {
        "title": "Step",
        "type": "object",
        "required": ["action"],
        "properties": {"action": {"enum": list(cases)}},
        "allOf": [
            {"if": {"properties": {"action": {"const": name}}, "required": ["action"]}, "then": reference}
            for name, reference in cases.items()
        ],
    }


def _side_by_side() -> Schema:
    return {
        "title": "Steps side by side",
        "type": "object",
        "required": ["parallel"],
        "properties": {"parallel": {"type": "array", "minItems": 1, "items": {"$ref": f"{_REF}Step"}}},
        "additionalProperties": False,
    }
