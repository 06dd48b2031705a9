"""Base of all models of a file: unknown keys are errors, types are strict, an empty value is unset."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Section(BaseModel):
    """Mapping of the file. Strict: a number in quotes is text, and `yes` isn't true.

    Errors show `EXAMPLE` when there is something else in place of this mapping.
    """

    EXAMPLE: ClassVar[str] = ""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class OtherForms:
    """Annotation of a value with other forms in the file: a subclass turns them into the value's own."""

    def _own_form(self, value: Any) -> Any:
        """Return the value's own form of `value`; ValueError when there is none."""
        raise NotImplementedError

    def _schemas(self) -> list[JsonSchemaValue]:
        """Return the JSON schemas of the other forms, before the value's own."""
        return []

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate the value's own form."""
        return core_schema.no_info_before_validator_function(self._own_form, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Allow the other forms beside it."""
        return {"anyOf": [*self._schemas(), handler(schema)]}


class EmptyIfNull:
    """Annotation of a list or mapping: `key:` without a value means the empty one."""

    def __init__(self, empty: type[list[Any] | dict[str, Any]]) -> None:
        self._empty = empty

    def _filled(self, value: Any) -> Any:
        return self._empty() if value is None else value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate null as the empty value."""
        return core_schema.no_info_before_validator_function(self._filled, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Allow null beside the type itself."""
        return {"anyOf": [handler(schema), {"type": "null"}]}
