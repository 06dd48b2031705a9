"""Errors that Distrinet only prints, or doesn't look at: found and collected, each with the node's name."""

from __future__ import annotations

import logging
import re
import threading
from typing import Any

_HARMLESS = ("quantum of class",)
"""Warnings that Distrinet logs as errors: htb's on a fast link."""
_JUDGED = re.compile(r"\b(ifconfig|tc|ip|ovs-vsctl|ovs-ofctl|brctl)\b")
"""Programs whose failure in a container is an error of the step."""
_WORKER_ERROR = re.compile(
    r"(?i)(Error|RTNETLINK|SIOC|Cannot|can't|bridge |device |interface |(ip|lxc|brctl|ifconfig):|\S+: ERROR)"
    r"|.*command not found"
)
"""Beginnings of what programs say when they fail; a shell's own start-up files may say anything."""
_WORKER_HARMLESS = re.compile(r"device (admin-br|intf\d+) already exists")
"""What Distrinet is told of bridges that the driver has made."""
_MOST = 20


class Complaints(logging.Handler):
    """Collects errors; it is also a handler of Distrinet's own log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._said: list[str] = []
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Store what Distrinet logs as an error."""
        try:
            words = record.getMessage()
        except TypeError:  # its calls with several arguments aren't format strings
            words = " ".join(map(str, (record.msg, *record.args))) if record.args else str(record.msg)
        self.add(words.strip().lstrip("*").strip())

    def add(self, words: str) -> None:
        """Store an error, once."""
        if not words or any(part in words for part in _HARMLESS):
            return
        with self._guard:
            if words not in self._said and len(self._said) < _MOST:
                self._said.append(words)

    def judge_node(self, name: str, text: str, result: Any) -> None:
        """Store the failure of a command in a node; Distrinet doesn't look at it."""
        if result.code and _JUDGED.search(text):
            self.add(f"{name}: `{text.strip()}`: {result.errors or result.text.strip() or result.code}")

    def judge_worker(self, name: str, text: str, result: Any) -> None:
        """Store the errors of commands on a worker. Distrinet joins many, so that codes of most are lost."""
        lines = [line.strip() for line in (result.errors + "\n" + result.text).splitlines()]
        bad = [line for line in lines if _WORKER_ERROR.match(line) and not _WORKER_HARMLESS.search(line)]
        if bad or (result.code and not _WORKER_HARMLESS.search(result.errors)):
            self.add(f"worker {name}: {'; '.join(bad) or f'exit code {result.code}'} (of `{text.strip()}`)")

    def taken(self) -> list[str]:
        """Return the errors since the last call; Distrinet logs some that name no node again."""
        with self._guard:
            said, self._said = self._said, []
        plain = [words.removeprefix("Error:").strip() for words in said]
        return [
            words
            for at, words in enumerate(said)
            if not any(plain[at] in other for there, other in enumerate(said) if there != at)
        ]
