"""Run the command line like a user: in another process and another folder."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from support.forked import Server


@dataclass(frozen=True)
class CommandLine:
    """Runner of `python -m emulator` in `folder`, so that the checkout isn't imported."""

    folder: Path

    def __call__(
        self, *words: str, code: int | None = None, stdin: str | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run it; with `code`, fail and show all its output when the exit code differs."""
        if not _server().serves():
            done = self.fresh(*words, stdin=stdin, timeout=timeout)
        else:
            text = (stdin or "").encode()
            number, output, errors = _server().run(words, self.folder, text, timeout)
            done = subprocess.CompletedProcess(list(words), number, _text(output), _text(errors))
        if code is not None and done.returncode != code:
            raise AssertionError(
                f"emulator {' '.join(words)}: exit code {done.returncode}, expected {code}\n"
                f"standard output:\n{done.stdout}\nstandard error:\n{done.stderr}"
            )
        return done

    def fresh(
        self, *words: str, stdin: str | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run it in a new interpreter."""
        return subprocess.run(
            [sys.executable, "-m", "emulator", *words],
            cwd=self.folder,
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run it with --json and return the one object in its output."""
        done = self(*words, "--json", code=code)
        value: dict[str, Any] = json.loads(done.stdout)
        return value


@cache
def _server() -> Server:
    return Server()


def _text(output: bytes) -> str:
    """Decode as subprocess does with text=True: any end of a line becomes a newline."""
    return output.decode().replace("\r\n", "\n").replace("\r", "\n")
