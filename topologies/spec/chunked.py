"""Validation in chunks: long lists and mappings are validated part by part.

pydantic validates every item whatever it found before, and an error takes two kilobytes: a file of a
million invalid nodes would take gigabytes to print two hundred lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, core_schema

from topologies.errors import MAX_FOUND
from topologies.spec.located_errors import details_of, of_details

_PART = 5_000


class Chunked:
    """Annotation of a list or mapping that may be long: validation ends after MAX_FOUND errors."""

    def _validated(self, value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(value, dict | list) or len(value) <= _PART:
            return handler(value)
        made: Any = {} if isinstance(value, dict) else []
        add = made.update if isinstance(value, dict) else made.extend
        wrong: list[InitErrorDetails] = []
        for first, part in _parts(value):
            try:
                add(handler(part))
            except ValidationError as error:
                wrong += details_of(error, first if isinstance(value, list) else 0)
                if len(wrong) >= MAX_FOUND:
                    break
        if wrong:
            raise of_details(wrong)
        return made

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate part by part."""
        return core_schema.no_info_wrap_validator_function(self._validated, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the whole."""
        return handler(schema)


def _parts(value: dict[Any, Any] | list[Any]) -> Iterator[tuple[int, Any]]:
    """Yield (position of its first item, part)."""
    if isinstance(value, list):
        yield from ((first, value[first : first + _PART]) for first in range(0, len(value), _PART))
        return
    items = iter(value.items())
    for first in range(0, len(value), _PART):
        yield first, dict(islice(items, _PART))
