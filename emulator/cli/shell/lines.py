"""Lines of `emulator shell`: the first word names a node or a command, the rest is the node's shell's."""

from __future__ import annotations

import re
from collections.abc import Callable

_PARTS = re.compile(
    r"""(?P<quoted>'[^']*'|"(?:\\.|[^"\\])*"|\\.)"""
    r"""|(?P<comment>(?:(?<=\s)|^)\#.*)"""
    r"""|(?P<redirected>[<>]+&?\s*[^\s|;&()<>'"\\]*)"""
    r"""|(?P<sign>[|;&()\s]+)"""
    r"""|(?P<word>[^\s|;&()<>'"\\]+)"""
    r"""|(?P<unended>.)""",
    re.DOTALL,
)
"""Parts of a line for sh(1p), which all of it belongs to: what is quoted or redirected is nobody's name."""


def first_word(line: str) -> tuple[str, str]:
    """Return the first word of a line and the rest; both empty for a blank line or a comment."""
    line = line.strip()
    if not line or line.startswith("#"):
        return "", ""
    word, _, rest = line.partition(" ")
    return word, rest.strip()


def with_addresses(line: str, address: Callable[[str], str]) -> str:
    """Return `line` with each whole word `w` replaced by `address(w)`, and everything else as it is.

    A word that touches something quoted is a part of a longer one, and stays.
    """
    out: list[str] = []
    parts = list(_PARTS.finditer(line))
    for at, part in enumerate(parts):
        text = part.group()
        around = [parts[near].lastgroup for near in (at - 1, at + 1) if 0 <= near < len(parts)]
        if part.lastgroup == "word" and "quoted" not in around:
            text = address(text)
        out.append(text)
    return "".join(out)
