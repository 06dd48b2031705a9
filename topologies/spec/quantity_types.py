"""Types of values with units in files and scenarios: pydantic models read them as plain numbers.

Apart from `topologies.quantities`, because commands on a running network print quantities and read no file:
pydantic takes a tenth of a second to import.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from topologies.quantities import RATE, SHARE, SIZE, TIME


def _size(value: object) -> int:
    return int(SIZE.parse(value))


Rate = Annotated[float, BeforeValidator(RATE.parse), WithJsonSchema(RATE.schema())]
"""Bits per second."""
Duration = Annotated[float, BeforeValidator(TIME.parse), WithJsonSchema(TIME.schema())]
"""Seconds."""
Share = Annotated[float, BeforeValidator(SHARE.parse), WithJsonSchema(SHARE.schema())]
"""A share from 0 to 1."""
Size = Annotated[int, BeforeValidator(_size), WithJsonSchema(SIZE.schema())]
"""Bytes."""
