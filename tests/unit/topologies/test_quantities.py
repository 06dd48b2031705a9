from __future__ import annotations

import re

import pytest

from topologies.quantities import RATE, SHARE, SIZE, TIME, Quantity


@pytest.mark.parametrize(
    ("quantity", "text", "number"),
    [
        (RATE, "10 Gbit", 1e10),
        (RATE, "10Gbit", 1e10),
        (RATE, " 1.5 Mbit ", 1.5e6),
        (RATE, "100 Mbit/s", 1e8),
        (RATE, "100 Mbps", 1e8),
        (RATE, "64 Kbit", 64e3),
        (RATE, "1e9", 1e9),
        (RATE, 10**9, 1e9),
        (TIME, "500 us", 500e-6),
        (TIME, "5 us", 5e-6),
        (TIME, "5 µs", 5e-6),
        (TIME, "5 μs", 5e-6),
        (TIME, "2 min", 120.0),
        (TIME, 0, 0.0),
        (TIME, "-0", 0.0),
        (TIME, 0.25, 0.25),
        (SHARE, "2 %", 0.02),
        (SHARE, "100%", 1.0),
        (SHARE, 0.5, 0.5),
        (SIZE, "64 MiB", 64 * 2**20),
        (SIZE, "64 MB", 64e6),
        (SIZE, "1.5 GiB", 1.5 * 2**30),
    ],
)
def test_as_people_write_them(quantity: Quantity, text: object, number: float) -> None:
    assert quantity.parse(text) == number


@pytest.mark.parametrize(
    ("quantity", "text", "words"),
    [
        (RATE, "10 gbi", "`gbi` is not a unit of rate; did you mean `Gbit`?"),
        (RATE, "10 Gb", "`Gb` is not a unit of rate; did you mean `Gbit`?"),
        (RATE, "5 ms", "`ms` is a unit of time, not of rate; use one of: bit, kbit, Mbit, Gbit, Tbit"),
        (RATE, "-5 Mbit", "`-5 Mbit` is negative; a rate must be from 1 kbit to 4 Tbit"),
        (RATE, 10, "`10` is out of range; a rate must be from 1 kbit to 4 Tbit; did you mean `10 Mbit`?"),
        (RATE, "1e999", "`1e999` is out of range; a rate must be from 1 kbit to 4 Tbit"),
        (RATE, float("inf"), "`inf` is not a rate; write for example `100 Mbit`"),
        (RATE, "٣ Mbit", "`٣ Mbit` is not a rate; write for example `100 Mbit`"),
        (RATE, "", "`` is not a rate; write for example `100 Mbit`"),
        (RATE, True, "`true` is not a rate; write for example `100 Mbit`"),
        (TIME, None, "this is not a time; write for example `500 us`"),
        (TIME, [1], "this is not a time; write for example `500 us`"),
        (TIME, "2 days", "`days` is not a unit of time; use one of: ns, us, ms, s, min, h"),
        (TIME, "25 h", "`25 h` is out of range; a time must be from 0 ns to 24 h"),
        (SHARE, "150 %", "`150 %` is out of range; a share must be from 0 % to 100 %"),
        (SIZE, "64 M", "`M` is not a unit of size; did you mean `MiB`?"),
        (SIZE, "\x1b[2J", r"`\x1b[2J` is not a size; write for example `64 MiB`"),
    ],
)
def test_what_to_write_instead(quantity: Quantity, text: object, words: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the words are compared in full
        quantity.parse(text)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("quantity", "number", "text"),
    [
        (RATE, 1e10, "10 Gbit"),
        (RATE, 1.5e6, "1.5 Mbit"),
        (RATE, 1000.0, "1 kbit"),
        (TIME, 5e-6, "5 us"),
        (TIME, 0.0, "0 ns"),
        (TIME, 90.0, "1.5 min"),
        (SHARE, 0.02, "2 %"),
        (SHARE, 0.0, "0 %"),
        (SIZE, 64.0 * 2**20, "64 MiB"),
    ],
)
def test_text_is_the_shortest_that_comes_back(quantity: Quantity, number: float, text: str) -> None:
    assert quantity.text(number) == text


def test_an_enormous_number_is_refused_quickly() -> None:
    with pytest.raises(ValueError, match="out of range"):
        RATE.parse("9" * 100_000)
    with pytest.raises(ValueError, match="is out of range"):
        RATE.parse(10**4000)


def test_less_than_one_of_the_smallest_unit_is_still_said_in_it() -> None:
    assert SHARE.text(0.001) == "0.1 %"
    assert SHARE.parse(SHARE.text(0.0005)) == 0.0005


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [(TIME, "1 Min", 60), (RATE, "10 mbit", 1e7), (RATE, "1 GBIT/S", 1e9), (RATE, "5 mbps", 5e6),
     (TIME, "5 MS", 5e-3),
     (SIZE, "64 mib", 2**26), (SIZE, "1 gb", 1e9)],
)  # fmt: skip
def test_units_are_read_in_any_case(quantity: Quantity, text: str, value: float) -> None:
    assert quantity.parse(text) == value
    number, unit = text.split()
    (pattern,) = (one["pattern"] for one in quantity.schema()["anyOf"] if "pattern" in one)
    assert re.search(pattern, f"{number}{unit}")


@pytest.mark.parametrize("text", ["10 MBps", "10 MB/s", "1 GB"])
def test_bytes_are_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="is not a unit of rate"):
        RATE.parse(text)


def test_letters_of_two_units_never_differ_by_case_alone() -> None:
    for quantity in (RATE, TIME, SHARE, SIZE):
        values: dict[str, set[float]] = {}
        for unit, factor in (*quantity.units.items(), *quantity.aliases.items()):
            values.setdefault(unit.lower(), set()).add(factor)
        assert all(len(some) == 1 for some in values.values())
