"""The playbook that prepares machines: Ansible accepts it, and its parts fit together."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

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


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_tasks_have_names_and_full_module_names(role: Path) -> None:
    for task in [*_read(role / "tasks" / "main.yml"), *_read(role / "handlers" / "main.yml")]:
        assert task["name"]
        assert any(key.startswith("ansible.builtin.") for key in task), task["name"]
        assert "ansible.builtin.shell" not in task


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_what_is_notified_and_used_is_there(role: Path) -> None:
    tasks = _read(role / "tasks" / "main.yml")
    assert {t["notify"] for t in tasks if "notify" in t} == {
        h["name"] for h in _read(role / "handlers" / "main.yml")
    }
    files = [path for folder in ("tasks", "templates", "vars") for path in role.glob(f"{folder}/*")]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    assert all(name in text for name in _read(role / "defaults" / "main.yml"))


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
