"""What a kernel's answer to a trial means, and what is said about a module that is missing."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.engines.netns.refusals import missing_shaping
from emulator.errors import KernelError
from emulator.linux.machine import features
from emulator.linux.machine.checks import machine_checks
from emulator.linux.netlink.connection import Batch, Netlink
from topologies.profiles import PLAIN, Shape


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Have answers of the kernel forgotten, and of the tests: others are in this process after them."""
    probes = (features.has_qdisc, features.has_link, features.has_openvswitch, features.has_tun)
    for probe in probes:
        probe.cache_clear()
    yield
    for probe in probes:
        probe.cache_clear()


def answering(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Make every trial be answered with `code`, and make no namespace."""

    class Kernel(Netlink):
        def __init__(self) -> None: ...
        def close(self) -> None: ...
        def try_run(self, batch: Batch) -> list[KernelError]:
            return [KernelError(*label, code) for label in batch.labels] if code else []

    monkeypatch.setattr(features, "Netlink", Kernel)
    monkeypatch.setattr(features, "unshare", lambda _flags: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(features, "namespace_guard", lambda _kind: Kernel())


@pytest.mark.parametrize(("code", "here"), [(0, True), (errno.ENOENT, False), (errno.EOPNOTSUPP, False)])
def test_the_kernels_answer_decides(monkeypatch: pytest.MonkeyPatch, code: int, *, here: bool) -> None:
    answering(monkeypatch, code)
    assert features.has_qdisc("netem") is here
    assert features.has_link("vxlan") is here


def test_an_answer_that_says_something_else_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, errno.ENOMEM)
    with pytest.raises(KernelError, match="out of memory"):
        features.has_qdisc("tbf")


def test_without_root_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert features.has_qdisc("netem") is None
    assert features.has_link("veth") is None
    assert features.has_namespaces() is None


def test_a_module_that_is_there_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "module_file", lambda _module: True)
    assert features.fix_module("sch_netem") == "modprobe sch_netem"
    monkeypatch.setattr(features, "module_file", lambda _module: False)
    assert "boot a kernel that has sch_netem" in features.fix_module("sch_netem")


def test_modules_are_found_by_their_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    index = "kernel/net/sched/sch_netem.ko.xz: kernel/x/y.ko\n"
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: index)
    assert features.module_file("sch_netem")
    assert not features.module_file("y")


def test_reasons_name_the_keys_that_need_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, errno.ENOENT)
    (reason,) = missing_shaping([PLAIN, Shape(delay=0.1), Shape(loss=0.1)])
    assert reason.startswith("delay, loss: the kernel has no sch_netem; ")
    assert len(missing_shaping([Shape(bandwidth=1e6, delay=0.1)])) == 2
    assert missing_shaping([PLAIN, Shape(delay=0.0)]) == []


def test_what_can_not_be_looked_at_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert missing_shaping([Shape(delay=0.1)]) == []


def test_the_checks_say_what_it_could_not_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = {finding.name: finding.found for finding in machine_checks()}
    assert found["queue netem"] == found["network namespaces"] == found["veth links"] == "unknown"
    assert found["kernel"] == "ok"


def test_the_checks_name_a_fix_for_each_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, errno.ENOENT)
    lacks = [finding for finding in machine_checks() if finding.found == "missing"]
    assert {"queue netem", "veth links"} <= {finding.name for finding in lacks}
    assert all(finding.fix for finding in lacks)
    assert [finding.name for finding in lacks if finding.is_fatal][:2] == ["veth links", "bridge links"]
