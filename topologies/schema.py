"""JSON schema of topology files for editors, generated from the models.

Draft 2020-12 (json-schema.org). Each generator family depends on the value of `generator` by
if-then: an editor offers the keys of the family in use and no others. Errors that need the whole
graph (links to unknown nodes, pools that are too small) are found by loading and building only.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from topologies.families import GENERATORS, WAYS, generator_module, way_module
from topologies.source import parse
from topologies.spec.model import Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_MODE: JsonSchemaMode = "validation"
_REF = "#/$defs/"
_TOPOLOGY = {"$ref": f"{_REF}Topology"}


def schema() -> Schema:
    """Return the JSON schema of a topology file."""
    families = {name: generator_module(name).Params for name in GENERATORS}
    others = {way: way_module(way).Params for way in WAYS if way != "generator"}
    models: list[type[BaseModel]] = [Spec, *families.values(), *others.values()]
    refs, made = models_json_schema([(model, _MODE) for model in models], ref_template=f"{_REF}{{model}}")
    names = {_name_in(refs[model, _MODE]): f"generator-{name}" for name, model in families.items()}
    names |= {_name_in(refs[model, _MODE]): f"by-{way}" for way, model in others.items()}
    definitions: Schema = _renamed(made["$defs"], names)
    for name in names.values():
        definitions[name]["title"] = name
    definitions["by-compose"]["properties"]["compose"]["additionalProperties"] = _TOPOLOGY
    definitions["Topology"] = _topology(list(families), list(others))
    for definition in definitions.values():
        _parse_examples(definition)
    spec = definitions.pop(_name_in(refs[Spec, _MODE]))
    spec["properties"]["topology"] |= _TOPOLOGY
    return {"$schema": DIALECT, **spec, "title": "Topology file", "$defs": definitions}


def _name_in(reference: Schema) -> str:
    """Return the name of the definition that `reference` points at."""
    return str(reference["$ref"]).removeprefix(_REF)


def _renamed(part: Any, names: dict[str, str]) -> Any:
    """Return the definitions `part` under other `names`: pydantic names them after our modules."""
    if isinstance(part, list):
        return [_renamed(item, names) for item in part]
    if not isinstance(part, dict):
        return part
    if set(part) == {"$ref"}:
        return {"$ref": _REF + names.get(_name_in(part), _name_in(part))}
    return {names.get(key, key): _renamed(value, names) for key, value in part.items()}


def _parse_examples(definition: Schema) -> None:
    """Parse the examples of each key; the models hold them as YAML, as errors show them."""
    for key in definition.get("properties", {}).values():
        if isinstance(key, dict) and "examples" in key:
            key["examples"] = [parse(example, "example").data for example in key["examples"]]


def _topology(families: list[str], others: list[str]) -> Schema:
    """Return the schema of `topology:`: the key in use decides the other keys that are allowed."""
    cases = [
        {
            "if": {"properties": {"generator": {"const": name}}, "required": ["generator"]},
            "then": {"$ref": f"{_REF}generator-{name}"},
        }
        for name in families
    ]
    cases += [{"if": {"required": [way]}, "then": {"$ref": f"{_REF}by-{way}"}} for way in others]
    return {
        "title": "Topology",
        "type": "object",
        "description": "What the network looks like: a generator, a file, or nodes and links",
        "properties": {"generator": {"enum": families}, **dict.fromkeys(others, True)},
        "oneOf": [{"required": [way]} for way in WAYS],
        "allOf": cases,
    }
