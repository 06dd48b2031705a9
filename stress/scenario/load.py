"""Load a scenario file: YAML -> scenario and steps, with all errors at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stress.actions.base import Action
from stress.actions.registry import ACTIONS, action_named
from stress.keys import Problems, aim_problems
from stress.scenario.model import Placed, Scenario, Step, timed
from topologies.errors import MAX_FOUND, InputError, Loc, ParameterError, ParametersError
from topologies.source import Source, parse, read
from topologies.spec.explain import shown
from topologies.spec.validate import Found, validated
from topologies.suggestions import nearest

_LEAST = "`name:` and `steps:`"
_EXAMPLE = "{action: port-flap, target: host, rate: 100}"


@dataclass
class Document:
    """Valid scenario file: the scenario, its steps in groups, and its source for later errors."""

    scenario: Scenario
    groups: list[list[Placed]]
    source: Source

    def steps(self, duration: float | None = None) -> list[Step]:
        """Return the steps with their times; `duration` seconds instead of the file's."""
        try:
            return timed(self.scenario, self.groups, duration)
        except ParameterError as error:
            raise self.source.error(error) from error

    def error(self, error: ParameterError) -> InputError:
        """Return the input error with the place in the file that `error` comes from."""
        return self.source.error(error)


def load(path: Path | str) -> Document:
    """Load the scenario file at `path`; raise InputError with every problem found."""
    return document_of(read(path, _LEAST, _wrong))


def load_text(text: str, file: str = "<text>", folder: Path | None = None) -> Document:
    """Load a scenario from YAML text."""
    return document_of(parse(text, file, folder, _LEAST, _wrong))


def document_of(source: Source) -> Document:
    """Return the document of data that was read already; raise InputError with every problem found."""
    data = source.data
    if not isinstance(data, dict):
        raise source.input_error(_wrong(data))
    problems: Found = []
    scenario, groups = _parts(data, problems)
    if "topology" in data and "steps" not in data:
        words = "is a topology file; give a scenario, with `steps:`, and this file behind --up"
        raise source.input_error([((), words)])
    if problems or scenario is None:
        raise source.input_error(problems)
    document = Document(scenario, groups, source)
    document.steps()
    return document


def _wrong(data: Any) -> Found:
    """Return the errors in the data of a file that may not be read to its end yet."""
    if not isinstance(data, dict):
        return [((), f"must be a mapping (key: value), not {shown(data)}; start with {_LEAST}")]
    problems: Found = []
    _parts(data, problems)
    return problems


def _parts(data: dict[str, Any], problems: Found) -> tuple[Scenario | None, list[list[Placed]]]:
    """Return the scenario and its steps in groups; the search ends after MAX_FOUND problems."""
    scenario = validated(Scenario, data, (), problems)
    groups: list[list[Placed]] = []
    for at, item in enumerate(data["steps"] if isinstance(data.get("steps"), list) else ()):
        if len(problems) > MAX_FOUND:
            break
        groups.append(_group(item, ("steps", at), problems))
    if scenario is not None:
        problems += _unfit(scenario)
    return scenario, groups


def _unfit(scenario: Scenario) -> Problems:
    """Yield the errors between the keys of probes and metrics."""
    taken: set[str | None] = set()
    for at, probe in enumerate(scenario.probes):
        yield from ((("probes", at, *loc), words) for loc, words in (*aim_problems(probe), *probe.problems()))
        if probe.name is not None and probe.name in taken:
            words = f"`{probe.name}` is the name of another probe; give it its own"
            yield ("probes", at, "name"), words
        taken.add(probe.name)
    yield from ((("metrics", *loc), words) for loc, words in aim_problems(scenario.metrics))


def _group(item: Any, loc: Loc, problems: Found) -> list[Placed]:
    """Return the steps of one item of `steps:`, one or those of a `parallel`."""
    if not (isinstance(item, dict) and "parallel" in item):
        return _step(item, loc, problems)
    inner = item["parallel"]
    others = [key for key in item if key != "parallel"]
    words = "can't be combined with `parallel`; write it into each of its steps"
    problems += [((*loc, str(key)), words) for key in others]
    if not isinstance(inner, list) or not inner:
        words = f"must be a list of steps, not {shown(inner)}; write for example `[{_EXAMPLE}]`"
        problems.append(((*loc, "parallel"), words))
        return []
    found = [_step(one, (*loc, "parallel", at), problems) for at, one in enumerate(inner)]
    return [step for steps in found for step in steps]


def _step(item: Any, loc: Loc, problems: Found) -> list[Placed]:
    kind = _action(item, loc, problems)
    if kind is None:
        return []
    step = validated(kind, item, loc, problems)
    if step is None:
        return []
    found = (*aim_problems(step), *step.problems())
    problems += [(loc + path, words) for path, words in found]
    return [(loc, step)]


def _action(item: Any, loc: Loc, problems: Found) -> type[Action] | None:
    """Return the model of the action that `item` names, or None with the problem noted."""
    if not isinstance(item, dict):
        words = f"must be a mapping, not {shown(item)}; write for example `{_EXAMPLE}`"
        if isinstance(item, str) and item in ACTIONS:
            words = f"must be a mapping; write `{{action: {item}}}`"
        problems.append((loc, words))
        return None
    if "action" not in item:
        known = [name for name in ACTIONS if name in item]
        hint = f"action: {known[0]}" if known else "action: port-flap"
        problems.append((loc, f"needs `action:` or `parallel:`; write for example `{hint}`"))
        return None
    name = item["action"]
    if isinstance(name, str) and name in ACTIONS:
        return action_named(name)
    words = f"{shown(name)} is not an action; {nearest(name if isinstance(name, str) else '', ACTIONS, 30)}"
    problems.append(((*loc, "action"), words))
    return None


def raise_all(document: Document, errors: list[ParameterError]) -> None:
    """Raise the errors of several steps together; do nothing when there are none."""
    if errors:
        raise document.error(ParametersError(errors))
