"""What an import gives, and the values of a foreign config, each of which is understood or refused by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig
from llm_explorer.config.problems import shown
from llm_explorer.formats.dicts import MAX_FIELDS
from llm_explorer.formats.settings import Configs
from llm_explorer.formats.words import short


class Weight(NamedTuple):
    """One tensor of parameters: its name in the published code, its shape, how many layers have it."""

    name: str
    shape: tuple[int, ...]
    repeats: int = 1

    @property
    def size(self) -> int:
        """One instance."""
        return prod(self.shape)

    @property
    def total(self) -> int:
        """All instances together."""
        return self.size * self.repeats


@dataclass(frozen=True)
class Counted:
    """The exact count of a model whose layers cannot be built here; ``active`` is what one token uses."""

    rows: tuple[Weight, ...]
    active: int

    @property
    def total(self) -> int:
        """All parameters."""
        return sum(row.total for row in self.rows)


@dataclass(frozen=True)
class Imported:
    """A config from outside: a model that can be built, or only a count; ``notes`` are sentences on the rest."""

    family: str
    model: ModelConfig | None
    run: RunConfig
    notes: tuple[str, ...] = ()
    counted: Counted | None = None

    @property
    def buildable(self) -> bool:
        """Whether there is a model of this app's own that has the same parameters and costs."""
        return self.model is not None

    def configs(self) -> Configs:
        """The two configs; ConfigError where the model can only be counted."""
        if self.model is None:
            total = "" if self.counted is None else f": {self.counted.total:,} parameters"
            message = f"model_type={self.family}: counted, not buildable{total}; {' '.join(self.notes)}"
            raise ConfigError([Problem("model_type", self.family, message)])
        return self.model, self.run


class Values:
    """The keys of a foreign config: what is not taken or known to be of no cost is refused at the end."""

    def __init__(self, given: Mapping[str, Any], kind: str) -> None:
        self.kind = kind
        self.notes: list[str] = []
        self.problems: list[Problem] = []
        self.key_of: dict[str, str] = {}  # the foreign key each of our fields came from
        self._given = given
        self._taken: set[str] = set()

    def take(self, key: str, default: Any = None) -> Any:
        """The value of a key, or its family's default where it is absent."""
        self._taken.add(key)
        return self._given.get(key, default)

    def has(self, key: str) -> bool:
        """Whether a key is given, with a value other than null."""
        return self._given.get(key) is not None

    def refuse(self, key: str, value: object, why: str) -> None:
        """Note one problem: the key, its value, why it is refused and what can be done."""
        self.problems.append(Problem(key[:40], value, f"{short(key)}={shown(value)}: {why}"))

    def only(self, key: str, allowed: tuple[Any, ...], why: str) -> None:
        """Take a key that may have these values only."""
        value = self.take(key, allowed[0])
        if not any(type(value) is type(each) and value == each for each in allowed):
            self.refuse(key, value, why)

    def choose(self, key: str, default: Any, choices: Mapping[Any, Any], why: str) -> Any:
        """What the value of a key stands for; refused when it stands for nothing."""
        value = self.take(key, default)
        for each, meaning in choices.items():
            if type(value) is type(each) and value == each:
                return meaning
        self.refuse(key, value, f"{why}; known: {', '.join(map(str, choices))}")
        return next(iter(choices.values()))

    def note(self, key: str, usual: tuple[Any, ...], why: str) -> None:
        """Take a key that changes numbers only; another value than the usual ones is told."""
        value = self.take(key, usual[0])
        if value not in usual:
            self.notes.append(f"{key}={shown(value)}: {why}; same count and cost, other numbers.")

    def refuse_rest(self, ignored: Iterable[str]) -> None:
        """Refuse what was neither taken nor is known to be of no cost, and raise all problems so far.

        A key whose value is null says nothing.
        """
        left = sorted(key for key in self._given.keys() - self._taken - {*ignored} if self.has(key))
        for key in left[:MAX_FIELDS]:
            why = f"this key is not understood for {self.kind}; remove it only if it changes neither count nor cost"
            self.refuse(key, self._given[key], why)
        if self.problems:
            raise ConfigError(self.problems)

    def finish(self, fields: Mapping[str, Any], ignored: Iterable[str]) -> ModelConfig:
        """The model of these fields; ConfigError with all problems, what was not understood among them."""
        known = {problem.field for problem in self.problems}
        try:
            model = ModelConfig(**fields)
        except ConfigError as error:
            problems = [self._renamed(problem) for problem in error.problems]
            self.problems += [problem for problem in problems if problem.field not in known]
        self.refuse_rest(ignored)
        return model

    def _renamed(self, problem: Problem) -> Problem:
        key = self.key_of.get(problem.field, problem.field)
        message = problem.message if key == problem.field else f"{key}: {problem.message}"
        return Problem(key, problem.value, message)
