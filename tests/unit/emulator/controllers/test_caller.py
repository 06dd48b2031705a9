"""Who called sudo, by the variables that it sets (sudo(8)): a number that the kernel takes, or an error."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from emulator.errors import UsageError
from emulator.linux.processes.caller import caller

NOWHERE = "1234567"
"""A user without an entry in passwd(5)."""


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("SUDO_GID", raising=False)


@pytest.mark.parametrize(
    "text",
    [
        "4294967295",
        "4294967296",
        "1" + "0" * 30,
        "9" * 5000,
        "\uff11",
        "\u0661",
        "-1",
        "+1",
        "1_0",
        " 1",
        "1.0",
        "x",
    ],
)
@pytest.mark.parametrize("variable", ["SUDO_UID", "SUDO_GID"])
def test_what_is_no_users_number_is_refused(
    variable: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """setuid(-1) changes nothing: a controller would go on as root."""
    monkeypatch.setenv("SUDO_UID", NOWHERE)
    monkeypatch.setenv(variable, text)
    with pytest.raises(UsageError, match=variable):
        caller(tmp_path / "caller.json")


@pytest.mark.parametrize("text", [None, "", "0"])
def test_without_sudo_or_from_root_it_is_nobody_else(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", text) if text is not None else monkeypatch.delenv(
        "SUDO_UID", raising=False
    )
    assert caller(tmp_path / "caller.json") is None


def test_a_number_with_and_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setenv("SUDO_UID", str(nobody.pw_uid))
    found = caller(tmp_path / "caller.json")
    assert found is not None
    assert (found.uid, found.gid, found.name) == (nobody.pw_uid, nobody.pw_gid, "nobody")
    for uid, gid in ((NOWHERE, "4294967294"), ("4294967294", NOWHERE)):
        monkeypatch.setenv("SUDO_UID", uid)
        monkeypatch.setenv("SUDO_GID", gid)
        found = caller(tmp_path / "caller.json")
        assert found is not None
        assert (str(found.uid), str(found.gid)) == (uid, gid)
