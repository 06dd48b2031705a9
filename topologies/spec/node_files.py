"""Models of a node's `files:` and `private:`."""

from __future__ import annotations

import posixpath
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from topologies.errors import shortened
from topologies.spec.explain import shown

_NEVER = ("/", "/proc", "/sys", "/dev", "/etc/hosts")
_LARGEST = 1 << 20
_MOST = 64


def _path(value: str) -> str:
    if not value.startswith("/") or value != posixpath.normpath(value) or "\0" in value or len(value) > 4000:
        raise ValueError(f"`{shortened(value)}` is no path of a node; write for example /etc/motd")
    if value in _NEVER or value.startswith(("/proc/", "/sys/", "/dev/")):
        raise ValueError(
            f"`{shortened(value)}` can't be a node's own; write for example /etc/motd or /var/log"
        )
    return value


def _content(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no text; put it in quotes, or write `|` and the lines below it")
    if value is not None and len(value) > _LARGEST:
        raise ValueError(f"has more than {_LARGEST:,} characters")
    return value


def _directories(value: Any) -> Any:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or len(texts) > _MOST:
        raise ValueError(f"must be a list of up to {_MOST} directories; write for example [/var/log]")
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise ValueError(f"{shown(wrong)} is no directory; write for example /var/log")
    return tuple(sorted({_path(text) for text in texts}))


_TEXT = {"type": "string"}
Path = Annotated[str, AfterValidator(_path)]
Content = Annotated[
    str | None, BeforeValidator(_content), WithJsonSchema({"anyOf": [_TEXT, {"type": "null"}]})
]
Files = dict[Path, Content]
Directories = Annotated[
    tuple[str, ...],
    BeforeValidator(_directories),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
]
