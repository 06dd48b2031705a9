"""The playbooks that prepare machines: Ansible accepts them, and their parts fit together.

That the roles do their work was seen on real machines; see `ansible/README.md`.
What was wrong there is a rule here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulator.engines.distrinet import worker_reasons
from emulator.engines.maxinet import facts

ANSIBLE = Path(__file__).parents[2] / "ansible"
ROLES = sorted((ANSIBLE / "roles").iterdir())
PLAYBOOKS = sorted(path.name for path in ANSIBLE.glob("*.yml"))
FILES = sorted(ANSIBLE.glob("**/*.yml"))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _program() -> str | None:
    beside = Path(sys.executable).parent / "ansible-playbook"
    return str(beside) if beside.exists() else shutil.which("ansible-playbook")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ANSIBLE)))
def test_files_are_plain_yaml(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text) is not None
    assert "\t" not in text
    assert all(line == line.rstrip() and len(line) <= 120 for line in text.splitlines())
    assert text.endswith("\n")


@pytest.mark.parametrize(
    ("role", "asked"), [("maxinet", facts._PROGRAMS), ("distrinet", worker_reasons._PACKAGES)]
)
def test_roles_install_what_the_engine_asks_of_workers(role: str, asked: dict[str, str]) -> None:
    defaults = _read(ANSIBLE / "roles" / role / "defaults" / "main.yml")
    everywhere = {"python3", "util-linux"}  # Ansible needs the one, Debian the other
    assert set(asked.values()) <= {*defaults[f"{role}_packages"], *everywhere}


def _tasks(role: Path, kind: str = "tasks") -> list[dict[str, Any]]:
    """Return the tasks of all files, those inside blocks included, in their order."""
    found: list[dict[str, Any]] = []

    def add(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            found.append(task)
            for part in ("block", "rescue", "always"):
                add(task.get(part, []))

    for path in sorted(role.glob(f"{kind}/*.yml")):
        add(_read(path))
    return found


def _module(task: dict[str, Any]) -> str:
    return next((key for key in task if key.startswith("ansible.builtin.")), "block")


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_tasks_have_names_and_full_module_names(role: Path) -> None:
    for task in [*_tasks(role), *_tasks(role, "handlers")]:
        assert task["name"]
        assert "block" in task or _module(task) != "block", task["name"]
        assert "ansible.builtin.shell" not in task


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_what_is_notified_and_used_is_there(role: Path) -> None:
    handlers = _tasks(role, "handlers")
    assert {t["notify"] for t in _tasks(role) if "notify" in t} == {
        h.get("listen", h["name"]) for h in handlers
    }
    files = [path for folder in ("tasks", "templates", "vars") for path in role.glob(f"{folder}/*")]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    assert all(name in text for name in _read(role / "defaults" / "main.yml"))


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_packages_are_looked_up_in_lists_of_now_also_when_only_checking(role: Path) -> None:
    """A fresh machine has no lists, whatever their age seems to be."""
    for path in sorted(role.glob("tasks/*.yml")):
        tasks = [task for task in _read(path) if _module(task) == "ansible.builtin.apt"]
        for lists, packages in zip(tasks[::2], tasks[1::2], strict=True):
            assert lists["ansible.builtin.apt"] == {"update_cache": True}
            assert (lists["check_mode"], lists["changed_when"]) == (False, False)
            assert not {"update_cache", "cache_valid_time"} & set(packages["ansible.builtin.apt"])


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_commands_say_whether_they_change_something_and_questions_are_asked_when_only_checking(
    role: Path,
) -> None:
    tasks = _tasks(role)
    for task in tasks:
        if _module(task) == "ansible.builtin.command":
            assert isinstance(task["changed_when"], bool), task["name"]
            if task["changed_when"]:
                assert "when" in task or task["name"] == "Import", task["name"]  # or in a block that has one
            elif "register" in task:
                assert task.get("check_mode") is False, task["name"]
        if _module(task) in {"ansible.builtin.pip", "ansible.builtin.systemd", "ansible.builtin.wait_for"}:
            assert "ansible_check_mode" in task.get("when", "") or "wait_for" in _module(task), task["name"]


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_no_two_tasks_give_a_file_different_modes(role: Path) -> None:
    """They would change it at each run, and restart what it belongs to."""
    tasks = [(_module(task), task.get(_module(task))) for task in _tasks(role)]
    trees = [
        (args["path"], args["mode"]) for name, args in tasks if name.endswith(".file") and "recurse" in args
    ]
    copies = [
        (args["dest"], args["src"], args["mode"])
        for name, args in tasks
        if name.endswith(".copy") and "src" in args
    ]
    for path, mode in trees:
        for dest, src, copied in copies:
            whole = dest + (Path(src).name if dest.endswith("/") else "")
            assert not path.startswith(whole) or copied == mode, path


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_run_that_fails_still_does_what_it_was_notified_of(playbook: str) -> None:
    """Otherwise the next run finds nothing changed, and a setting is never put in force."""
    for play in _read(ANSIBLE / playbook):
        named = [role if isinstance(role, str) else role["role"] for role in play.get("roles", [])]
        roles = [role for role in named if (ANSIBLE / "roles" / role / "handlers").exists()]
        assert not roles or play["force_handlers"] is True


@pytest.mark.parametrize("playbook", PLAYBOOKS)
@pytest.mark.parametrize("inventory", ["local.yml", "example.yml"])
def test_ansible_accepts_the_playbook(playbook: str, inventory: str, tmp_path: Path) -> None:
    program = _program()
    if program is None:
        pytest.skip("ansible-core isn't installed (`./emulate test` installs it)")
    done = subprocess.run(
        [program, "--syntax-check", "-i", f"inventory/{inventory}", playbook],
        cwd=ANSIBLE, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"playbook: {playbook}" in done.stdout


_SECRET = {"maxinet_password": "a b"}
_KEY = {"distrinet_public_key": "ssh-ed25519 AAAA me"}
_NO_FRONT = [
    ("w1", "maxinet_workers", _SECRET, "The inventory needs the groups maxinet_frontend"),
]
_MAXINET = [
    ("f1", "maxinet_frontend", _SECRET | {"maxinet_home": "/no"}, "set maxinet_home to the folder"),
    ("w1", "maxinet_workers", {}, "Set maxinet_password"),
    ("w2", "maxinet_workers", {"maxinet_password": "a\nb"}, "Set maxinet_password"),
    ("w3", "maxinet_workers", _SECRET | {"maxinet_source": "/no"}, "/no has no MaxiNet/WorkerServer"),
]
_CLIENT = [
    ("c1", "distrinet_client", {"distrinet_source": "/no"}, "/no has no mininet/mininet/distrinet.py"),
    ("c2", "distrinet_client", {"distrinet_home": "/no"}, "set distrinet_home to the folder of your copy"),
]
_WORKERS = [
    ("w1", "distrinet_workers", {}, "Set distrinet_public_key"),
    ("w2", "distrinet_workers", {"distrinet_public_key": "~/.ssh/id.pub"}, "Set distrinet_public_key"),
    ("w3", "distrinet_workers", _KEY | {"distrinet_image_file": "/no"}, "/no is no file"),
]
_CLUSTER = [
    ("s1", "cluster_scheduler", {"cluster_wheel": "/no"}, "Set cluster_wheel to the path"),
    ("w1", "cluster_workers", {}, "Set cluster_wheel to the path"),
]
_NO_WORKERS = [("s1", "cluster_scheduler", {}, "The inventory needs the groups cluster_scheduler")]
_RUNS = {
    "cluster.yml": [_CLUSTER, _NO_WORKERS],
    "maxinet.yml": [_NO_FRONT, _MAXINET],
    "distrinet.yml": [_CLIENT, _WORKERS],
}


@pytest.mark.parametrize(("playbook", "cases"), [(name, run) for name, runs in _RUNS.items() for run in runs])
def test_mistakes_are_named_before_anything_changes(
    playbook: str, cases: list[tuple[str, str, dict[str, str], str]], tmp_path: Path
) -> None:
    program = _program()
    if program is None:
        pytest.skip("ansible-core isn't installed (`./emulate test` installs it)")
    here = {
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
    }
    groups: dict[str, Any] = {}
    for host, group, given, _ in cases:
        groups.setdefault(group, {"hosts": {}})["hosts"][host] = here | given
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"children": groups}}), encoding="utf-8")
    done = subprocess.run(
        [program, "--check", "-i", str(inventory), playbook],
        cwd=ANSIBLE, check=False, capture_output=True, text=True, timeout=120,
        env={
            "HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
            "ANSIBLE_GATHERING": "explicit", "ANSIBLE_STDOUT_CALLBACK": "oneline",
        },
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    said = dict(line.split(" | FAILED!", 1) for line in done.stdout.splitlines() if " | FAILED!" in line)
    assert said.keys() == {host for host, *_ in cases}, done.stdout
    for host, _, _, message in cases:
        assert message in said[host]
    assert " | CHANGED" not in done.stdout


def test_units_of_a_cluster_keep_what_networks_need() -> None:
    """A stopped unit must leave networks alone, and a mount namespace of its own would take them along."""
    role = ANSIBLE / "roles" / "cluster"
    settings = dict(
        line.split("=", 1)
        for line in (role / "templates" / "cluster.service.j2").read_text(encoding="utf-8").splitlines()
        if "=" in line and not line.startswith(("#", "{%"))
    )
    assert (settings["KillMode"], settings["Restart"]) == ("process", "always")
    assert settings.keys() <= {
        "Description", "Wants", "After", "StartLimitIntervalSec", "ExecStart", "Restart", "RestartSec",
        "KillMode", "LimitNOFILE", "Environment", "OOMPolicy", "TasksMax", "WantedBy",
    }  # fmt: skip
    (keys,) = (task for task in _tasks(role) if task["name"] == "Certificates")
    assert keys["ansible.builtin.copy"]["mode"] == "0600"
    assert keys["diff"] is False


def test_teardown_removes_all_files_that_the_playbook_made() -> None:
    """Folders of the emulator's own go whole; other files are named one by one."""
    made = set()
    for name in ("worker", "openvswitch", "mininet", "cluster"):
        for task in _tasks(ANSIBLE / "roles" / name):
            arguments = task.get(_module(task))
            if isinstance(arguments, dict) and "dest" in arguments:
                made.add(arguments["dest"].replace("{{ item }}", "worker"))
    made.discard("/etc/hosts")  # every machine has one: it is made only where it lacks
    (gone,) = (
        task["loop"] for task in _tasks(ANSIBLE / "roles" / "cluster") if task["name"] == "What was made"
    )
    own = (
        "{{ cluster_settings }}", "{{ cluster_home }}", "{{ cluster_file }}", "{{ cluster_worker_state }}",
        "/var/lib/topology-emulator",
    )  # fmt: skip
    assert set(own) - {"{{ cluster_file }}"} <= set(gone)
    assert {path for path in made if not path.startswith(own)} <= set(gone)
    assert set(gone) - made <= {*own, "/etc/systemd/system/topology-emulator-scheduler.service"}
