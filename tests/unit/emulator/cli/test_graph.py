"""`emulator graph`: rates on links, PNG and PDF by an optional package."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest

from emulator.cli.main import run

FILE = """\
name: rated
topology: {generator: tree, depth: 2, fanout: 2}
links:
  - {match: {between: [host, switch]}, bandwidth: 10 Mbit}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rated.yaml"
    path.write_text(FILE)
    return path


def test_rates_are_on_the_links_when_they_are_asked_for(file: Path, tmp_path: Path) -> None:
    for options, count in ([], 0), (["--rates"], 4):
        assert run(["graph", str(file), "-o", str(tmp_path / "out.svg"), *options]) == 0
        root = ET.fromstring((tmp_path / "out.svg").read_text())  # noqa: S314 -- our own output
        assert ["".join(text.itertext()) for text in root.iter()].count("10 Mbit") == count


def test_rates_are_refused_where_the_format_has_them_anyway(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["graph", str(file), "-o", str(tmp_path / "out.dot"), "--rates"]) == 2
    assert "--rates goes with .svg, .png, .pdf" in capsys.readouterr().err
    assert not (tmp_path / "out.dot").exists()


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_without_the_package_it_is_refused_with_the_command_that_gets_it(
    suffix: str,
    file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    assert run(["graph", str(file), "-o", str(tmp_path / f"out{suffix}")]) == 3
    said = capsys.readouterr().err
    assert f"{suffix[1:].upper()} needs CairoSVG: `{sys.executable} -m pip install cairosvg`" in said
    assert not (tmp_path / f"out{suffix}").exists()


def test_other_formats_do_not_import_the_package(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    for suffix in (".svg", ".html", ".dot", ".json"):
        assert run(["graph", str(file), "-o", str(tmp_path / f"out{suffix}")]) == 0


def test_names_are_written_over_their_border(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[bytes] = []

    def svg2pdf(bytestring: bytes) -> bytes:
        given.append(bytestring)
        return b"%PDF \xff"

    monkeypatch.setitem(sys.modules, "cairosvg", SimpleNamespace(svg2pdf=svg2pdf))
    assert run(["graph", str(file), "-o", str(tmp_path / "out.pdf"), "--rates"]) == 0
    assert (tmp_path / "out.pdf").read_bytes() == b"%PDF \xff"
    ET.fromstring(given[0].decode())  # noqa: S314 -- our own output
    classes = re.findall(rb'<text class="(n|n halo)"[^>]*>10 Mbit</text>', given[0])
    assert classes == [b"n halo", b"n"] * 4


@pytest.mark.parametrize(("suffix", "begin"), [(".png", b"\x89PNG\r\n\x1a\n"), (".pdf", b"%PDF-")])
def test_the_package_draws_it(suffix: str, begin: bytes, file: Path, tmp_path: Path) -> None:
    pytest.importorskip("cairosvg", exc_type=(ImportError, OSError))
    path = tmp_path / f"out{suffix}"
    assert run(["graph", str(file), "-o", str(path), "--rates"]) == 0
    data = path.read_bytes()
    assert data.startswith(begin)
    assert len(data) > 3000
    if suffix == ".png":
        assert int.from_bytes(data[16:20], "big") == 2400
