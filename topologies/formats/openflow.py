"""The `openflow:` of a node as file attributes: `openflow_controller`, `openflow_protocols`.

Attributes are texts, not mappings. A controller is written as `learning`, `none`, `remote 10.0.0.5:6653`
or `command:6653 python3 app.py`, with `user: root` as `command:6653:root …` (shell quoting); several are
separated by semicolons.
"""

from __future__ import annotations

import shlex
from typing import Any

from topologies.formats.graph import Attributes, FormatError
from topologies.openflow import PORT, Controller, OpenFlow

OPENFLOW_KEYS = (
    "openflow_controller", "openflow_protocols", "openflow_fail_mode", "openflow_datapath", "openflow_flows",
    "openflow_dpid_base",
)  # fmt: skip
_WORDS = ("openflow_fail_mode", "openflow_datapath", "openflow_flows")
_BASE = "openflow_dpid_base"


def openflow_attributes(openflow: OpenFlow) -> dict[str, str]:
    """Return the file attributes of `openflow`: the values that differ from the default."""
    out: dict[str, str] = {}
    default = OpenFlow()
    if openflow.controllers:
        out["openflow_controller"] = "; ".join(map(_text, openflow.controllers))
    if openflow.protocols != default.protocols:
        out["openflow_protocols"] = " ".join(openflow.protocols)
    for key in _WORDS:
        value = getattr(openflow, key.removeprefix("openflow_"))
        if value != getattr(default, key.removeprefix("openflow_")):
            out[key] = value
    if openflow.dpid_base:
        out[_BASE] = str(openflow.dpid_base)
    return out


def _text(controller: Controller) -> str:
    if controller.kind != "command":
        return controller.words
    user = f":{controller.user}" if controller.user else ""
    return f"command:{controller.port}{user} {shlex.join(controller.command)}"


def openflow_keys(attributes: Attributes, line: int) -> dict[str, Any]:
    """Return the `openflow:` mapping of `attributes` in the form of a topology file; {} for none."""
    out: dict[str, Any] = {
        key.removeprefix("openflow_"): str(attributes[key])
        for key in _WORDS
        if attributes.get(key) is not None
    }
    if attributes.get(_BASE) is not None:
        base = str(attributes[_BASE])
        if not (base.isascii() and base.isdigit()):
            raise FormatError(f"{_BASE} `{base}` is not a whole number", line)
        out["dpid_base"] = int(base)
    if attributes.get("openflow_protocols") is not None:
        out["protocols"] = str(attributes["openflow_protocols"]).replace(",", " ").split()
    if attributes.get("openflow_controller") is not None:
        text = str(attributes["openflow_controller"])
        try:
            out["controller"] = [_controller(words) for words in _split(text)]
        except ValueError as error:
            raise FormatError(f"openflow_controller `{text}`: {error}", line) from error
    return out


def _split(text: str) -> list[list[str]]:
    """Return the words of each controller in `text`; ValueError for an open quote."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";")
    lexer.whitespace_split = True
    lexer.commenters = ""
    found: list[list[str]] = [[]]
    for word in lexer:
        if set(word) == {";"}:
            found.append([])
        else:
            found[-1].append(word)
    return [words for words in found if words]


def _controller(words: list[str]) -> Any:
    kind, *rest = words
    name, port, user = [*kind.split(":", 2), "", ""][:3]
    if name == "remote" and len(rest) == 1:
        return {"remote": rest[0]}
    if name == "command" and rest:
        number = int(port) if port.isascii() and port.isdigit() else PORT
        return {"command": rest, "port": number} | ({"user": user} if user else {})
    return " ".join(words)  # learning, none; the model refuses anything else
