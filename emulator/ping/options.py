"""Options of ping that are supported."""

from __future__ import annotations

import getopt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

USAGE = "usage: ping [-46nq] [-c count] [-i interval] [-s size] [-w deadline] [-W timeout] destination"
_HINT = "this is the emulator's own small ping; for more: apt install iputils-ping"
_MOST = 65_507
"""Bytes that fit into an IP packet of 65,535 behind both headers."""


class PingError(Exception):
    """Reason why ping can't go on, and the exit code."""

    def __init__(self, words: str, code: int = 2) -> None:
        self.words = words
        self.code = code
        super().__init__(words)


@dataclass
class Options:
    """Parsed options; times in seconds, `version` 0 is whichever the name has."""

    host: str = ""
    count: int | None = None
    interval: float = 1.0
    size: int = 56
    deadline: float | None = None
    timeout: float = 10.0
    quiet: bool = False
    numeric: bool = False
    version: int = 0


def parse(words: Sequence[str]) -> Options:
    """Return the options in `words`; PingError if they are wrong."""
    try:
        found, hosts = getopt.gnu_getopt(list(words), "46nqhc:i:s:w:W:")
    except getopt.GetoptError as error:
        raise PingError(f"{error.msg}\n{USAGE}\n{_HINT}") from error
    out = Options()
    flags: dict[str, Callable[[], None]] = {
        "-4": lambda: setattr(out, "version", 4),
        "-6": lambda: setattr(out, "version", 6),
        "-n": lambda: setattr(out, "numeric", True),
        "-q": lambda: setattr(out, "quiet", True),
        "-h": lambda: _refuse(f"{USAGE}\n{_HINT}", 2),
    }
    for option, text in found:
        if option in flags:
            flags[option]()
        elif option == "-c":
            out.count = _whole(text, 1, 2**63 - 1)
        elif option == "-s":
            out.size = _whole(text, 0, _MOST)
        elif option == "-i":
            out.interval = max(0.001, _seconds(text))
        elif option == "-w":
            out.deadline = _seconds(text)
        else:
            out.timeout = _seconds(text)
    if not hosts:
        raise PingError("usage error: Destination address required", 1)
    if len(hosts) > 1:
        raise PingError(f"one destination at a time, not {len(hosts)}\n{USAGE}\n{_HINT}")
    out.host = hosts[0]
    return out


def _refuse(words: str, code: int) -> NoReturn:
    raise PingError(words, code)


def _whole(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise PingError(f"invalid argument: '{text}'", 1)
    if not low <= int(text) <= high:
        raise PingError(f"invalid argument: '{text}': out of range: {low} <= value <= {high}", 1)
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 2**31 / 1000:
        raise PingError(f"invalid argument: '{text}'", 1)
    return value
