"""What people type from habit: the command line says what to write here, and that is right."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from emulator.cli import habits
from emulator.cli.main import COMMANDS, emulator, run
from emulator.commands import no_program

_HERE = re.compile(r"`emulator ([a-z][a-z-]*)([^`]*)`")


def options_of(command: click.Command) -> set[str]:
    return {word for option in command.params for word in option.opts}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("word", sorted(habits.COMMANDS))
def test_other_programs_commands_lead_to_ours(
    word: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert word not in COMMANDS
    assert run([word, "-t", "x.yml"]) == 2
    said = capsys.readouterr().err
    assert f"no command `{word}`; `emulator " in said
    assert "did you mean" not in said


def test_a_word_has_one_meaning() -> None:
    words = [word for all_of in habits._MEANT.values() for word in all_of]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("command", "option"),
    [(command, option) for command, all_of in habits.OPTIONS.items() for option in all_of],
)
def test_other_programs_options_lead_to_ours(
    command: str, option: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*([] if command == "emulator" else [command]), option, "x"]) == 2
    said = capsys.readouterr().err
    assert f"No such option '{option}'; {habits.OPTIONS[command][option]}" in said


def test_what_is_advised_exists() -> None:
    advice = [
        *habits.COMMANDS.values(),
        *(words for all_of in habits.OPTIONS.values() for words in all_of.values()),
    ]
    context = click.Context(emulator)
    for words in advice:
        for verb, rest in _HERE.findall(words):
            command = emulator.get_command(context, verb)
            assert command is not None, words
            assert set(re.findall(r"(?<!\w)--?[a-z]\S*", rest)) <= {*options_of(command), "--"} | {
                "--help"
            }, words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["link", "a", "b", "set", "bw=5"], "write `--bandwidth 5`"),
        (["link", "a", "b", "set", "bandwidth", "5"], "write `--bandwidth 5`"),
        (["link", "a", "b", "set", "loss"], "write `--loss VALUE`"),
        (["link", "a", "b", "set", "nonsense=5"], "Got unexpected extra argument (nonsense=5)\n"),
        (["link", "down", "a", "b"], "the nodes come first: `emulator link a b down`"),
        (["link", "a", "b", "of"], "'of' is not one of"),
        (["link", "a"], "give A, B and an action"),
        (["graph", "x.yaml"], "Missing option '-o' / '--output'; write `-o OUT.svg`"),
        (["capture", "h1"], "Missing option '-o' / '-w' / '--output'; write `-o FILE`"),
        (["export", "x.yaml"], "Missing option '--to'"),
        (["up", ""], "FILE is empty text; give the path"),
        (["plan", ""], "FILE is empty text; give the path"),
        (["up", "--bandwidht"], "No such option '--bandwidht'.\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_words_that_are_options_here(
    words: list[str], said: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert said in capsys.readouterr().err


def test_a_link_without_an_action_is_shown(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = "links: [{match: {between: [h2, s1]}, bandwidth: 5 Mbit}]\n"
    (state / "n.yaml").write_text(f"name: n\nengine: dry-run\ntopology: {{generator: single}}\n{rule}")
    assert run(["up", "n.yaml"]) == 0
    capsys.readouterr()
    for words, lines in (
        (["link", "s1", "h1"], ["s1 -- h1: up", "  s1 -> h1: not shaped", "  s1 <- h1: not shaped"]),
        (["link", "s1", "h1", "down"], ["s1 -- h1: down"]),
        (
            ["link", "s1", "h2", "down"],
            ["s1 -- h2: down", "  s1 -> h2: bandwidth 5 Mbit", "  s1 <- h2: bandwidth 5 Mbit"],
        ),
    ):
        assert run(words) == 0
        assert capsys.readouterr().out.splitlines() == lines
    assert run(["link", "s1", "h1", "set", "--bandwidth", "5"]) == 2
    assert "did you mean `5 Mbit`? `none` removes it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("program", "fix"),
    [
        ("traceroute", "install it"), ("-d", "go before the node"), ("./x", "check the path"),
        ("ls | head", "sh -c 'ls | head'"), ("sleep 5", "sh -c 'sleep 5'"),
    ],
)  # fmt: skip
def test_a_program_that_a_node_lacks(program: str, fix: str) -> None:
    assert no_program([program], "h1").startswith(f"can't run `{program}` in h1: there is no such program; ")
    assert fix in no_program([program], "h1")


def test_a_dry_run_says_what_it_would_run(state: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (state / "n.yaml").write_text("name: n\nengine: dry-run\ntopology: {generator: single}\n")
    assert run(["up", "n.yaml"]) == 0
    capfd.readouterr()
    assert run(["exec", "h1", "--", "ls", "-l"]) == 0
    assert capfd.readouterr().out == "dry-run: would run ls -l\n"
