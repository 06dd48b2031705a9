"""Errors of workers arrive as what they were: kind, words, exit code, reasons, the kernel's text."""

from __future__ import annotations

import errno
import json

import pytest

from emulator.carriers.plain_errors import error_of, plain_error
from emulator.errors import (
    BrokenError,
    EmulationError,
    KernelError,
    MissingError,
    NotWholeError,
    RefusedError,
    UnableError,
    UsageError,
)


@pytest.mark.parametrize(
    "error",
    [
        BrokenError("h1 is gone"), NotWholeError("c0 had ended"), UnableError("no tcpdump"),
        UsageError("there is no link 7"), RefusedError(["a bridge is full", "no memory"]),
        MissingError("the namespace of h1 was removed"),
        KernelError("create link", "h1-eth0", errno.EEXIST, "device exists"),
        KernelError("create link", "h1-eth0", errno.ENOSPC),
    ],
)  # fmt: skip
def test_an_error_arrives_as_it_was(error: EmulationError) -> None:
    there = error_of(json.loads(json.dumps(plain_error(error))))
    assert type(there) is type(error)
    assert str(there) == str(error)
    assert there.exit_code == error.exit_code
    for field in ("reasons", "errno", "op", "target", "ext_ack"):
        assert getattr(there, field, None) == getattr(error, field, None)


def test_an_error_of_nobody_says_what_it_was() -> None:
    there = error_of(plain_error(ValueError("no number")))
    assert isinstance(there, BrokenError)
    assert str(there) == "ValueError: no number"
