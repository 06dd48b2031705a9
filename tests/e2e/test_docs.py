"""What the pages say is what happens: every file in them loads, every command in them runs as shown.

Blocks are marked by the words after the fence:
`yaml` is a whole file; `yaml NAME.yaml` one that later commands of the page use, as `python NAME.py` is;
`python generator` is a generator with `k` and `hosts_per_switch`, for 16 nodes and 20 links of 5 and 2;
`python action` is a stress action with `target`, `rate` and `away`, which brings all ports of hosts down;
`python engine` is an engine that makes a folder for each node, `python row` its row in the table;
`python library` runs in the clone, and prints the diameter of a fat-tree and a path from h1;
`yaml NAME.yaml wrong` one that a later command shows the errors of, or that needs what a command makes;
`yaml fragment` is a part, to which a name and a topology are added where they are missing.
`console` is run as it stands, in order, and prints what is shown, cut only with `…`;
`console netem` only where the kernel has netem;
`console setup` is what only a fresh machine can show. Any other language is only looked at.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
from support.pages import Block, anchors, blocks, commands, links, shown

import topologies
from emulator.engines.dry_run import DryRunEngine
from emulator.engines.dry_run_session import DryRunSession
from emulator.linux.machine.features import has_qdisc
from emulator.plan import make_plan
from stress.actions.registry import ACTIONS
from stress.runner import run
from stress.scenario.load import load_text
from stress.schedule import planned
from topologies.build import build
from topologies.families import Context
from topologies.rng import Stream
from topologies.spec.load import load
from topologies.spec.load import load_text as load_topology

CLONE = Path(__file__).parents[2]
EXAMPLES = Path(topologies.__file__).parent / "examples"
PAGES = sorted([*CLONE.glob("*.md"), *CLONE.glob("docs/*.md"), *CLONE.glob("ansible/*.md")])
LANGUAGES = {"yaml", "console", "text", "sh", "python", "json"}
FILES = {"yaml": ".yaml", "python": ".py"}
"""Suffixes of blocks that are files for later commands of the page, by language."""
MARKS = {"console": {"netem", "setup"}}
SETUP = (
    "git clone", "cd ", "sudo ./emulate up", "sudo ./emulate test", "sudo ./emulate --help", "sudo modprobe ",
    "./emulate test", "sudo apt", "python3 -m venv", ".venv/bin/", "vagrant ", "ansible-playbook ",
)  # fmt: skip


def _name(page: Path) -> str:
    return str(page.relative_to(CLONE))


def _all(language: str) -> list[object]:
    return [
        pytest.param(page, block, id=f"{_name(page)}:{block.line}")
        for page in PAGES
        for block in blocks(page)
        if block.language == language and "wrong" not in block.words
    ]


def _runs() -> list[object]:
    """Return each page that has commands, and again with netem where some need it."""
    return [
        pytest.param(page, netem, id=_name(page) + "-netem" * netem)
        for page in PAGES
        for netem in (False, True)
        if any(
            block.language == "console" and _marked(block, "netem") == netem and not _marked(block, "setup")
            for block in blocks(page)
        )
    ]


def _marked(block: Block, word: str) -> bool:
    return word in block.words


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_blocks_say_what_they_are(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, f"line {block.line}: `{block.language}`"
        assert set(block.words) <= MARKS.get(block.language, set(block.words)), f"line {block.line}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = page if not path else (page.parent / path)
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize(("page", "block"), _all("yaml"))
def test_files_load_and_plan(page: Path, block: Block, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    text = block.text
    if _marked(block, "fragment"):
        keys = {line.split(":")[0] for line in text.splitlines()}
        text += "" if "name" in keys else "name: fragment\n"
        text += "" if "topology" in keys else "topology: {generator: tree, depth: 2, fanout: 2}\n"
    file = tmp_path / "page.yaml"
    file.write_text(text, encoding="utf-8")
    topology = build(load(file))
    assert topology.node_count
    assert len(make_plan(topology, "dry-run").forwarding.roles) == topology.link_count


def _run(page: Path, block: Block, name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Run the code of a block as the module `name`."""
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, module.__name__, module)  # pydantic looks annotations up there
    code = compile("\n" * block.line + block.text, page.name, "exec")
    exec(code, module.__dict__)  # noqa: S102 -- our own page
    return module


def test_python_blocks_are_marked() -> None:
    words = [parameters.values[1].words for parameters in _all("python")]
    words = [marks for marks in words if not (marks and marks[0].endswith(FILES["python"]))]
    assert {("generator",), ("action",), ("engine",), ("row",), ("library",)} >= set(words)


@pytest.mark.parametrize(("page", "block"), [p for p in _all("python") if "library" in p.values[1].words])
def test_library_calls_as_the_page_shows_them_work(
    page: Path, block: Block, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.chdir(CLONE)
    _run(page, block, "page_library", monkeypatch)
    assert capsys.readouterr().out.startswith("6 ['h1', ")


@pytest.mark.parametrize(("page", "block"), [p for p in _all("python") if "action" in p.values[1].words])
def test_a_stress_action_as_the_page_shows_it_works(
    page: Path, block: Block, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    module = _run(page, block, "stress.actions.page_action", monkeypatch)
    (kind,) = (made for made in vars(module).values() if getattr(made, "__module__", "") == module.__name__)
    name = get_args(kind.model_fields["action"].annotation)[0]
    monkeypatch.setitem(ACTIONS, name, f"page_action.{kind.__name__}")
    text = f"name: x\nsteps: [{{action: {name}, target: host, rate: 10, away: 50 ms, duration: 500 ms}}]"
    document = load_text(text)
    topology = build(load_topology("name: page\ntopology: {generator: tree, depth: 2, fanout: 2}\n"))
    network = DryRunEngine().deploy(make_plan(topology, "dry-run"))
    schedule = planned(document, topology, 0, document.steps())
    touched: list[tuple[int, bool]] = []
    set_port = DryRunSession.set_port

    def noted(self: DryRunSession, node: int, port: int, *, up: bool) -> None:
        touched.append((node, up))
        set_port(self, node, port, up=up)

    monkeypatch.setattr(DryRunSession, "set_port", noted)
    record = run(document, schedule, network, seed=0)
    assert [(outcome.error, outcome.skipped) for outcome in record.outcomes] == [("", "")] * 10
    assert {node for node, _ in touched} == set(topology.hosts.tolist())
    assert [up for _, up in touched].count(True) == 5
    assert record.restored == []


@pytest.mark.parametrize(("page", "block"), [p for p in _all("python") if "generator" in p.values[1].words])
def test_a_generator_as_the_page_shows_it_works(
    page: Path, block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    module = _run(page, block, "page_generator", monkeypatch)
    params = module.Params(k=5, hosts_per_switch=2)
    unused = Context(Stream(1), tmp_path, make=lambda _params, _loc: pytest.fail("nothing is composed"))
    topology = module.generate(params, unused)
    assert topology.node_count == params.node_estimate() == 16
    assert topology.link_count == params.link_estimate() == 20


@pytest.mark.e2e
def test_an_engine_as_the_page_shows_it_works(tmp_path: Path, state_dir: Path) -> None:
    """Follow the page: write its module, add its row to the table, and use it by the command line."""
    page = CLONE / "CONTRIBUTING.md"
    text = {block.words[0]: block.text for block in blocks(page) if block.language == "python"}
    (tmp_path / "folders.py").write_text(text["engine"], encoding="utf-8")
    row = text["row"].replace("emulator.engines.folders", "folders")
    begin = f"from topologies.engines import ENGINES, EngineRow\n{row}\nfrom emulator.__main__ import main\n"
    (tmp_path / "program.py").write_text(f"import sys\n{begin}sys.exit(main())\n", encoding="utf-8")
    (tmp_path / "n.yaml").write_text("name: n\nengine: folders\ntopology: {generator: single, hosts: 3}\n")

    def emulator(*words: str, code: int = 0) -> str:
        argv = [sys.executable, "program.py", *words]
        done = subprocess.run(argv, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    emulator("up", "n.yaml")
    made = state_dir / "n" / "nodes"
    assert sorted(folder.name for folder in made.iterdir()) == ["h1", "h2", "h3", "s1"]
    assert "engine folders" in emulator("status")
    emulator("check", "n")
    (made / "h2").rmdir()
    emulator("check", "n", code=1)
    assert "1 folder gone" in emulator("status", "n", code=1)
    emulator("up", "n.yaml")
    emulator("check", "n")
    emulator("down", "n")
    emulator("down", "n")
    assert not (state_dir / "n").exists()
    assert "or folders." in emulator("up", "--help")
    assert '"folders"' in emulator("schema")
    assert "did you mean `folders`?" in emulator("up", "n.yaml", "--engine", "folder", code=2)


@pytest.mark.parametrize(("page", "block"), [p for p in _all("console") if "setup" in p.values[1].words])
def test_setup_blocks_hold_nothing_that_could_be_run(page: Path, block: Block) -> None:
    for command in commands(block):
        assert command.words.startswith(SETUP), command.words


@pytest.mark.parametrize(
    ("page", "right"),
    [
        ("one 1.50 s\ntwo\nthree", True), ("one 9.75 s\n…", True), ("…\nthree", True), ("", True),
        ("one…", True), ("…\ntwo\n…", True), ("note\none 1.50 s\n…", True), ("…\nnote\nthree", True),
        ("one 1.50 s", False), ("two\nthree", False), ("one 1.50 s\nthree", False), ("…\ntwo", False),
        ("…\nthree\ntwo", False), ("one 1 s\n…", False), ("nothing\n…", False),
        ("…\nprogress\nnote\n…", False),
    ],
)  # fmt: skip
def test_output_is_shown_as_it_is_and_cut_with_a_mark(page: str, right: bool) -> None:
    found = shown(tuple(page.splitlines()), "one 1.50 s\ntwo\nthree\n", "note\nprogress\n")
    assert (found is None) == right, found


@pytest.mark.e2e
@pytest.mark.privileged
@pytest.mark.parametrize(("page", "netem"), _runs())
def test_commands_run_as_shown(page: Path, netem: bool, tmp_path: Path, state_dir: Path) -> None:
    """Run the page from top to bottom in one folder; with `netem`, its netem blocks as well."""
    wanted = [b for b in blocks(page) if b.language == "console" and not _marked(b, "setup")]
    if netem and not has_qdisc("netem"):
        pytest.skip("this kernel has no netem, which some commands of the page need")
    environment = _folder(tmp_path)
    for block in blocks(page):
        if block.words and block.words[0].endswith(FILES.get(block.language, " ")):
            (tmp_path / block.words[0]).write_text(block.text, encoding="utf-8")
        if block in wanted and (netem or not _marked(block, "netem")):
            _run_all(page, block, tmp_path, environment)
    subprocess.run(
        ["emulator", "down", "--all"], cwd=tmp_path, env=environment, check=True, capture_output=True
    )


def _folder(folder: Path) -> dict[str, str]:
    """Make `emulator`, `./emulate`, `python` and `sudo` mean the tested package; return the environment."""
    shutil.copytree(EXAMPLES, folder / "topologies" / "examples")
    programs = folder / "bin"
    programs.mkdir()
    for path, text in {
        programs / "emulator": f'exec "{sys.executable}" -P -m emulator "$@"',
        folder / "emulate": f'exec "{sys.executable}" -P -m emulator "$@"',
        programs / "sudo": 'exec "$@"',
        programs / "python": f'exec "{sys.executable}" "$@"',
    }.items():
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
    return os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "NO_COLOR": "1"}


def _run_all(page: Path, block: Block, folder: Path, environment: dict[str, str]) -> None:
    """Run the commands of a block; each must end with 0 unless `echo $?` follows and shows another code."""
    todo = commands(block)
    for command, following in zip(todo, [*todo[1:], None], strict=True):
        if command.words == "echo $?":
            continue
        code = int(following.output[0]) if following and following.words == "echo $?" else 0
        done = subprocess.run(
            ["sh", "-c", command.words], cwd=folder, env=environment, check=False, text=True, timeout=120,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
        place = f"{page.name}:{block.line}: $ {command.words}\n{done.stdout}{done.stderr}"
        assert done.returncode == code, f"{place}exit code {done.returncode}, the page says {code}"
        missing = shown(command.output, done.stdout, done.stderr)
        assert missing is None, f"{place}the page shows: {missing}"
