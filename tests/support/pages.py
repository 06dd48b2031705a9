"""Fenced blocks and links of a Markdown page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Fenced block: its language, the other words after the fence, its text and line number."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """Command of a `console` block and the output that the page shows for it."""

    words: str
    output: tuple[str, ...]


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of `page`, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        language, *words = match[1].split() or [""]
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(language, tuple(words), match[2], line))
    return found


def commands(block: Block) -> list[Command]:
    """Return the commands of a `console` block: lines after `$ `, each with its output.

    A command continues in the next line after a backslash, and to the end mark of a here document.
    """
    found: list[Command] = []
    lines = block.text.splitlines()
    at = 0
    while at < len(lines):
        assert lines[at].startswith("$ "), f"line {block.line + at + 1}: output before any command"
        words = [lines[at][2:]]
        at += 1
        while words[-1].endswith("\\"):
            words.append(lines[at].removeprefix("> "))
            at += 1
        end = re.search(r"<<'?(\w+)'?", words[-1])
        while end and words[-1] != end[1]:
            words.append(lines[at].removeprefix("> "))
            at += 1
        output = []
        while at < len(lines) and not lines[at].startswith("$ "):
            output.append(lines[at])
            at += 1
        found.append(Command("\n".join(words), tuple(output)))
    return found


def links(page: Path) -> list[str]:
    """Return the targets of the links and pictures of `page`, without those in fenced blocks."""
    return _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of `page`, in GitHub's form."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in _HEADING.findall(text)
    }


def shown(expected: tuple[str, ...], output: str, errors: str) -> str | None:
    """Return the first line that the page shows otherwise than a command prints it; None where there is none.

    `…` stands for anything: alone for any lines, at the end of a line for the lines after it, too. Numbers
    with a decimal point (seconds, times) stand for any such number, and no lines at all for any output. Of
    standard error the page may leave lines out: what it says there depends on the machine.
    """
    rest, said = ([line.strip() for line in text.splitlines() if line.strip()] for text in (output, errors))
    cut = not expected
    for line in (line.strip() for line in expected if line.strip()):
        if line == "…":
            cut = True
            continue
        matches = re.compile(_pattern(line)).fullmatch
        place = next((at for at, one in enumerate(rest if cut else rest[:1]) if matches(one)), None)
        aside = next((at for at, one in enumerate(said) if matches(one)), None)
        if place is not None:
            del rest[: place + 1]
            cut = line.endswith("…")
        elif aside is not None:
            del said[: aside + 1]
            cut = cut or line.endswith("…")
        else:
            return f"{line}\nwhere it prints: {rest[0] if rest else 'nothing more'}"
    return None if cut or not rest else f"nothing more, not cut with …, before: {rest[0]}"


def _pattern(line: str) -> str:
    """Return the pattern of a line that a page shows."""
    pattern = re.escape(line).replace("…", ".*")
    return re.sub(r"\d+\\\.\d+(?!\\\.|\d|/)(?<!\\\.\d\\\.\d)", r"[0-9.]+", pattern)
