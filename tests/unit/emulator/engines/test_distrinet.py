"""What Distrinet can't do is refused with the node or the link; facts about workers become reasons."""

from __future__ import annotations

import json
import logging
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.distrinet_workers import HOME

from emulator.engine_options import engine_plan
from emulator.engines.distrinet import DistrinetEngine
from emulator.engines.distrinet.driver import worker_scripts
from emulator.engines.distrinet.driver.complaints import Complaints
from emulator.engines.distrinet.driver.image import lacking_script, lacking_words
from emulator.engines.distrinet.driver.worker_facts import facts, facts_script
from emulator.engines.distrinet.preflight import preflight
from emulator.engines.distrinet.refusals import refusals
from emulator.engines.distrinet.settings import mark, settings
from emulator.engines.distrinet.worker_reasons import worker_reasons
from emulator.errors import RefusedError, UnableError
from emulator.plan import Plan
from topologies.build import build
from topologies.profiles import Shape
from topologies.spec.load import load_text

PAIR = "topology: {nodes: {s1: {kind: switch}, h1: {kind: host}}, links: [[h1, s1]]}"


@pytest.fixture
def key(tmp_path: Path) -> str:
    for name in ("key", "key.pub"):
        (tmp_path / name).write_text("a key")
    return str(tmp_path / "key")


def planned(text: str, **options: Any) -> Plan:
    keys = {"name": "distrinet", "python": sys.executable, "home": "/", "workers": ["10.0.0.11", "10.0.0.12"]}
    found = load_text(f"name: d\nengine: {json.dumps(keys | options)}\n{text}")
    return engine_plan(found, build(found), "distrinet")


@pytest.mark.parametrize(("text", "options", "words"), [
    (PAIR.replace("h1", "h_1"), {}, "node (h_1): LXD's containers have no `_`"),
    (PAIR.replace("s1", "s" * 16), {}, f"switch ({'s' * 16}): names of bridges end at 15 characters"),
    (PAIR.replace("h1", "east.h1"), {}, "node (east.h1): LXD's names are letters, digits and `-` (no `.`)"),
    (PAIR.replace("s1", "east.s1"), {}, "node (east.s1): LXD's names are letters, digits and `-` (no `.`)"),
    (PAIR, {"master": "10.0.0.13"}, "master 10.0.0.13 is none of the workers (10.0.0.11, 10.0.0.12)"),
    (PAIR.replace("h1", "1h"), {}, "node (1h): LXD's names are letters, digits and `-`"),
    (PAIR.replace("s1", "admin"), {}, "switch admin: Distrinet's own interface"),
    (PAIR, {"user": "joe"}, "user joe: Distrinet needs root"),
    (PAIR, {"key": "/nowhere/key"}, "the key /nowhere/key can't be read"),
    (PAIR, {"image": "a b"}, "image `a b` is no name of an LXD image"),
    (PAIR, {"admin": "192.168.0.1/31"}, "no room for 3 addresses"),
    (PAIR, {"admin": "10.0.0.0/99"}, "admin `10.0.0.0/99` is no IPv4 address"),
    (PAIR, {"admin": "10.0.0.1/16"}, "node (h1) with an address in 10.0.0.0/16"),
])  # fmt: skip
def test_what_distrinet_cannot_do_is_refused(
    text: str, options: dict[str, str], words: str, key: str
) -> None:
    reasons = refusals(planned(text, **{"key": key, **options}))
    assert any(words in reason for reason in reasons), reasons


@pytest.mark.parametrize(("name", "words"), [("s" * 16, "15 characters"), ("east.s1", "no `.`")])
def test_names_are_refused_before_a_driver_is_started(name: str, words: str, key: str) -> None:
    plan = planned(PAIR.replace("s1", name), key=key, python=shutil.which("false"))
    with pytest.raises(RefusedError) as refused:  # the preflight would say that this Python can't be run
        DistrinetEngine().accept(plan)
    (reason,) = refused.value.reasons
    assert name in reason
    assert words in reason


def test_a_plan_that_fits_has_no_reasons(key: str) -> None:
    assert refusals(planned("topology: {generator: tree, depth: 2, fanout: 2}", key=key)) == []


def test_without_a_key_the_way_to_give_one_is_said() -> None:
    assert any("EMULATOR_DISTRINET_KEY" in reason for reason in refusals(planned(PAIR)))


def test_shapes_that_its_links_do_not_know_are_named() -> None:
    found = DistrinetEngine.program.unshapable(
        [Shape(bandwidth=2e9), Shape(duplicate=0.1), Shape(delay=0.01)]
    )
    assert [reason.split()[0] for reason in found] == ["bandwidth", "duplicate:"]


def test_settings_have_the_defaults_and_the_first_worker_is_master_and_jump_host(key: str) -> None:
    given = settings(planned(PAIR, key=key))
    assert (given["master"], given["jump"], given["user"]) == ("10.0.0.11", "10.0.0.11", "root")
    assert (given["image"], given["admin"]) == ("ubuntu", "192.168.0.1/16")
    assert given["workers"][1] == {"name": "10.0.0.12", "address": "10.0.0.12"}
    assert settings(planned(PAIR, key=key, jump="10.9.9.9"))["jump"] == "10.9.9.9"


def test_networks_of_one_name_have_a_mark_for_each_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = []
    for folder in ("/tmp/a", "/tmp/b", "/tmp/a"):  # noqa: S108 -- nothing is written there
        monkeypatch.setenv("EMULATOR_STATE_DIR", folder)
        marks.append(mark("demo"))
    assert marks[0] == marks[2] != marks[1]
    assert all(text.startswith("demo-") for text in marks)


def test_a_worker_without_an_address_is_named(key: str) -> None:
    with pytest.raises(UnableError, match=r"the worker nowhere\.invalid has no IPv4 address"):
        settings(planned(PAIR, key=key, workers=["nowhere.invalid"]))


FINE = """has lxc
has brctl
has ifconfig
has ip
has flock
has vxlan
has htb
has netem
has lxd
has disk
has image
user 0
network
devices
memory 8000000000
lxd 5.0.2
files 1024
sshd maxsessions 10
sshd maxstartups 10:30:100
sshd allowtcpforwarding yes
"""


def reasons_of(text: str, plan: Plan) -> list[str]:
    found = {worker.name: facts(text) for worker in plan.workers}
    return list(worker_reasons(plan, 0, found))


SHAPED = "topology: {generator: single, hosts: 4}\nlinks:\n  - {match: {}, bandwidth: 5 Mbit, delay: 1 ms}"


@pytest.mark.parametrize(("before", "after", "words"), [
    ("has lxc\n", "", "lacks lxc; `apt install lxd`"),
    ("has ifconfig\n", "", "lacks ifconfig; `apt install net-tools`"),
    ("has lxd\n", "", "LXD doesn't answer"),
    ("has disk\n", "", "profile `default` has no disk"),
    ("has image\n", "", "has no LXD image called ubuntu"),
    ("has vxlan\n", "", "no vxlan for tunnels; `modprobe vxlan`"),
    ("has netem\n", "", "no netem for delay"),
    ("has htb\n", "", "no htb for `bandwidth`"),
    ("user 0", "user 1000", "user id 1000; Distrinet needs root"),
    ("network\n", "network other\n", "has the network other"),
    ("devices\n", "devices intf3 \n", "a Distrinet that isn't ours (intf3)"),
    ("memory 8000000000", "memory 1000000", "its nodes need"),
    ("maxsessions 10", "maxsessions 4", "set `MaxSessions 8` or more"),
    ("has flock\n", "", "lacks flock; `apt install util-linux`"),
    ("lxd 5.0.2", "lxd 3.0.3", "has LXD 3.0.3, Distrinet's driver needs 4.0 or later"),
    ("maxstartups 10:30:100", "maxstartups 1:30:60", "set `MaxStartups 2` or more"),
    ("files 1024", "files 68", "may open 68 files, connections to 5 containers need 69;"),
    ("forwarding yes", "forwarding no", "set `AllowTcpForwarding yes`"),
])  # fmt: skip
def test_a_fact_about_a_worker_is_a_reason(before: str, after: str, words: str, key: str) -> None:
    plan = planned(SHAPED, key=key)
    assert reasons_of(FINE, plan) == []
    (reason,) = reasons_of(FINE.replace(before, after), plan)
    assert words in reason
    assert reason.startswith("worker 10.0.0.11")


def test_only_the_jump_host_forwards_to_all_containers_and_a_server_may_have_no_limit(key: str) -> None:
    elsewhere = planned(SHAPED, key=key, jump="10.9.9.9")
    assert reasons_of(FINE.replace("files 1024", "files 68"), elsewhere) == []
    assert reasons_of(FINE.replace("files 1024", "files unlimited"), planned(SHAPED, key=key)) == []
    assert (
        reasons_of(FINE.replace("sshd maxstartups 10:30:100\n", "").replace("lxd 5.0.2\n", ""), elsewhere)
        == []
    )


@pytest.mark.parametrize(("asyncssh", "distrinet", "words"), [
    ("2.24.1", "2.0 (Mininet {})", ""),
    ("3.0", "2.1", ""),
    ("2.14.2", "2.0", "has asyncssh 2.14.2; the driver needs 2.15 or later; `"),
    ("2.24.1", "1.2", "is Distrinet 1.2, the driver is for version 2"),
])  # fmt: skip
def test_versions_of_asyncssh_and_of_distrinet_are_judged(
    asyncssh: str, distrinet: str, words: str, key: str, tmp_path: Path
) -> None:
    python, home = tmp_path / "python", tmp_path / "home"
    (home / "mininet").mkdir(parents=True)
    (home / "mininet" / "distrinet.py").write_text(
        f"VERSION = \"{distrinet}\".format('2.3.0')\nraise OSError\n"
    )
    packages = tmp_path / "packages"
    (packages / f"asyncssh-{asyncssh}.dist-info").mkdir(parents=True)
    (packages / f"asyncssh-{asyncssh}.dist-info" / "METADATA").write_text(
        f"Name: asyncssh\nVersion: {asyncssh}\n"
    )
    for name in ("asyncssh", "paramiko", "yaml", "setuptools"):
        (packages / f"{name}.py").touch()
    python.write_text(
        f'#!/bin/sh\n[ $1 = -I ] && shift\nPYTHONPATH={packages} exec {sys.executable} -S "$@"\n'
    )
    python.chmod(0o755)
    (reason,) = preflight(planned(PAIR, key=key, python=str(python), home=str(home)))
    assert words in reason if words else reason == "Distrinet's driver ended: OSError"


def test_programs_that_the_image_lacks_are_named_with_their_packages(tmp_path: Path) -> None:
    for name in ("sh", "ethtool", "ip", "ping", "sysctl", "tc", "ovs-ofctl"):
        (tmp_path / name).symlink_to("/bin/sh")

    def lacking(kind: str) -> list[str]:
        argv = ["/bin/sh", "-c", lacking_script(kind)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, env={"PATH": str(tmp_path)})
        return done.stdout.split()

    assert lacking("bridge") == lacking("host") == ["ifconfig", "timeout"]
    assert lacking("ovs") == ["ifconfig", "timeout", "ovs-vsctl"]
    assert lacking_words("ubuntu", "w1", lacking("ovs")) == (
        "the image ubuntu on worker w1 lacks ifconfig, timeout, ovs-vsctl; "
        "add coreutils, net-tools, openvswitch-switch to it (Debian's names)"
    )


def test_queues_are_only_needed_on_the_workers_whose_links_have_shapes(key: str) -> None:
    plain = planned("topology: {generator: single, hosts: 4}", key=key)
    assert reasons_of(FINE.replace("has netem\n", "").replace("has htb\n", ""), plain) == []


def test_a_network_of_the_same_name_is_its_own(key: str) -> None:
    text = FINE.replace("network\n", f"network {mark('d')}\n").replace("devices\n", "devices intf1\n")
    assert reasons_of(text, planned(PAIR, key=key)) == []


def test_a_python_that_lacks_what_distrinet_imports_is_refused(key: str) -> None:
    found = preflight(planned(PAIR, key=key, home="/nowhere"))
    assert any("/nowhere holds no mininet/distrinet.py" in reason for reason in found)
    (reason,) = preflight(planned(PAIR, key=key, python="/nowhere/python"))
    assert "/nowhere/python, the Python of Distrinet, can't be run" in reason


def test_a_copy_that_cannot_be_imported_is_refused_with_its_error(key: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(HOME, home)
    (home / "mininet" / "mininet" / "distrinet.py").write_text("raise RuntimeError('half a copy')")
    (reason,) = preflight(planned(PAIR, key=key, home=str(home)))
    assert reason == "Distrinet's driver ended: RuntimeError: half a copy"


def result(code: int = 0, out: str = "", err: str = "") -> SimpleNamespace:
    return SimpleNamespace(code=code, text=out, errors=err)


def test_the_user_report_48_errors_of_ifconfig_and_tc_are_found_and_name_the_node() -> None:
    said = Complaints()
    said.judge_node("h1", "ifconfig h1-eth0 10.0.0.300/8 up", result(1, err="Unknown host"))
    said.judge_node("h2", "tc qdisc add dev h2-eth0 root netem", result(2, err="Error: unknown"))
    said.judge_node("h3", "ethtool -K h3-eth0 tx off", result(1, err="not supported"))
    said.judge_node("h4", "ifconfig h4-eth0 up", result())
    found = said.taken()
    assert [words.split(":")[0] for words in found] == ["h1", "h2"]
    assert said.taken() == []


def test_errors_of_joined_commands_on_a_worker_are_found_although_the_last_one_succeeds() -> None:
    said = Complaints()
    said.judge_worker("w1", "brctl addbr admin-br; true", result(0, err="device admin-br already exists; …"))
    said.judge_worker("w1", "lxc start h1; true", result(0, out="welcome to w1\nrm: cannot remove 'x'"))
    assert said.taken() == []
    said.judge_worker("w1", "lxc init x h1; true", result(0, err="Error: Image not found"))
    said.judge_worker("w2", "ip link add vx_20; true", result(0, err="RTNETLINK answers: File exists"))
    assert [words[:10] for words in said.taken()] == ["worker w1:", "worker w2:"]


def test_what_distrinet_logs_is_an_error_once() -> None:
    said = Complaints()
    record = logging.LogRecord("x", logging.ERROR, "", 0, "Bandwidth limit", (2000, "is too much"), None)
    said.emit(record)
    said.emit(record)
    said.add("quantum of class 50001 is big")
    assert said.taken() == ["Bandwidth limit 2000 is too much"]


def test_scripts_quote_the_name_of_a_network_and_are_valid_shell(tmp_path: Path) -> None:
    texts = [
        worker_scripts.reserve("it's", "a"), worker_scripts.remove("it's"), worker_scripts.datapath(),
        worker_scripts.guarded("a; b", "a"),
        worker_scripts.existing_containers(["h1", "s1"]), facts_script("ubuntu"),
    ]  # fmt: skip
    for text in texts:
        assert text.startswith("sh -c ")
        (tmp_path / "script").write_text(shlex.split(text)[2])
        subprocess.run(["sh", "-n", str(tmp_path / "script")], check=True)
