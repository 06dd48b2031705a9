"""The file of a cluster's machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.carriers.ssh.hosts import load_hosts
from topologies.errors import InputError

LEAST = """\
certificates: c
scheduler: {host: head}
workers: [{host: w1}, {host: w2, address: 10.0.0.2, name: b}]
"""


def test_what_runs_where(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text(LEAST)
    hosts = load_hosts(file)
    assert str(hosts.address) == "tls://head:8786"
    assert hosts.certificates == tmp_path / "c"
    assert hosts.scheduler().words == ["--host", "head", "--port", "8786"]
    first, second = hosts.workers()
    assert (first.name, first.words[-1], second.name, second.words[-1]) == ("w1", "w1", "b", "10.0.0.2")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("7", "must be a mapping"),
        ("certificates: c\n", "scheduler"),
        (LEAST + "worker: x\n", "unknown key"),
        (LEAST.replace("head", "-oProxyCommand=x"), "is no host name or address"),
        (LEAST.replace("w1", "$(reboot)"), "is no host name or address"),
        (LEAST.replace(", name: b", "").replace("w2", "w1"), "another worker is named `w1`"),
        (LEAST + "ssh: {port: 0}\n", "ssh.port"),
        (LEAST.split("workers", maxsplit=1)[0] + "workers: []\n", "workers"),
    ],
)
def test_errors_name_the_place(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=r"hosts\.yaml:1|hosts\.yaml:[0-9]") as caught:
        load_hosts(file)
    assert words in str(caught.value)
