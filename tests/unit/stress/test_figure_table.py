"""One table has all figures: those that a run computes, limits suggest, the page shows, the docs explain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.runs import made_run

from stress.metrics.figure_table import FIGURES, Figure, figure_of, suggestions
from stress.metrics.figure_units import HOST, figure_unit
from stress.metrics.figures import Figures
from stress.report.page import _TILES

DOCS = (Path(__file__).parents[3] / "docs" / "stress-report.md").read_text(encoding="utf-8")


def test_every_figure_of_a_run_is_in_the_table_or_sampled() -> None:
    figures = Figures(made_run(60.0, 500, 8)).all()
    assert len(figures) > 50
    assert [name for name in figures if figure_unit(name) is None] == []


def test_every_row_but_those_of_flows_and_ramps_is_computed_of_a_run() -> None:
    figures = Figures(made_run(60.0, 500, 8))
    rows = {row for name in figures.all() if (row := figure_of(name))}
    missing = [row.form for row in FIGURES if row not in rows and row.source not in {"flows", "ramps"}]
    assert missing == []


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: row.form)
def test_suggested_names_are_of_their_row(row: Figure) -> None:
    for name in (*row.names(""), *row.names("flap")):
        assert figure_of(name) == row


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: row.form)
def test_the_docs_explain_every_row(row: Figure) -> None:
    last = re.sub(r"\[.*\]|\.?STAT$", "", row.form).replace("PROBE.", "").replace("STEP.", "")
    assert re.search(rf"[`.]{re.escape(last)}[`.]", DOCS), last


def test_a_fixed_name_is_not_a_step_s() -> None:
    found = figure_of("traffic.rate")
    assert found is not None
    assert found.unit == "bitrate"
    assert figure_unit("churn.rate") == "rate"


def test_names_carry_step_and_verb() -> None:
    row = figure_of("churn.give-back.latency.p99.99")
    assert row is not None
    found = row.fullmatch("churn.give-back.latency.p99.99")
    assert found is not None
    assert found.groupdict() == {"who": "churn", "verb": "give-back"}


@pytest.mark.parametrize(
    "name", ["latency", "latency.p", "a.b.c.errors", "probe.rtt.growth", "leaks.max", ""]
)
def test_other_names_are_no_figures(name: str) -> None:
    assert figure_unit(name) is None


def test_the_page_shows_figures_that_there_are() -> None:
    assert [name for name in _TILES if figure_unit(name) is None] == []


def test_suggestions_are_of_the_run_first_and_of_each_name_then() -> None:
    found = suggestions(["flap"])
    assert found[0] == "errors"
    assert {"probe.loss", "latency.p99", "flap.latency.p50", "flap.loss"} <= set(found)
    assert "flap.leaks" not in found
    assert set(found).isdisjoint(HOST)
