"""All that is computed, traced and shown, as files: what a change that means to change nothing must leave as it is.

    python -m benchmarks.golden FOLDER [--against OTHER] [--reports 600] [--traces 60] [--no-pages]

Writes the report of random configs of every recipe, GPT-2's blocks and modern ones, on a CPU, on CUDA and sized for
cards; traces of some; settings there and back; and every page's text and charts at two addresses, with each lesson's
steps before and after a guess. ``--against`` tells what differs from files that another commit has written. About 2
minutes on two cores.
"""

import contextlib
import io
import json
import os
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

import click

os.environ["LLM_EXPLORER_LIVE"] = "0"  # charts that can be read
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="golden")  # no calibration of this machine

from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Radio

from benchmarks.accuracy_configs import draw
from llm_explorer.cli import main as command_line
from llm_explorer.config import ConfigError, ModelConfig, RunConfig, choices, replace
from llm_explorer.formats import apply_settings, to_settings
from llm_explorer.tracing.trace import trace

SHOWN: Final = 12  # differences of each file
APP: Final = Path(__file__).parents[1] / "streamlit_app.py"
HARDWARE: Final = ("24GiB", "t4-16gb", "rtx-4090-24gb", "a100-80gb", "h100-80gb")
ADDRESSES: Final[Mapping[str, Mapping[str, str]]] = {
    "first": {},
    "modern": {
        "n_layers": "6", "emb_dim": "512", "n_heads": "8", "device": "cpu", "hardware": "rtx-4090-24gb",
        "precision": "autocast", "batch_size": "4",
        "set": "norm=rmsnorm activation=swiglu positions=rope n_kv_heads=2 n_experts=4 n_active_experts=2"
        " mlp_bias=false",
    },
}  # fmt: skip
# of Streamlit's messages: what names an element, not what it says
NAMES: Final = re.compile(r"\.(id|form_id|url|script_hash|page_script_hash|query_string|delta_path)$|^Block\.|_id$")
OPENED: Final = re.compile(r"^\$\$ID-[0-9a-f]+-(.+)")
VOLATILE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d|\b\d+(\.\d+)? GiB free|\bin \d+(\.\d+)? ?(ms|s)\b|\d+ s ago")


def modern(pick: random.Random, model: ModelConfig) -> ModelConfig:
    """A model of the same size with blocks of any published kind."""
    kv_heads = pick.choice([each for each in (1, 2, 4, model.n_heads) if model.n_heads % each == 0])
    changes: dict[str, Any] = {"n_kv_heads": kv_heads, "bias": pick.random() < 0.3, "head_bias": pick.random() < 0.2}
    for field in ("norm", "activation", "positions", "qk_norm"):
        changes[field] = pick.choice(ModelConfig.model_fields[field].annotation.__args__)  # type: ignore[union-attr]
    changes["residual"] = pick.choice(["sequential", "parallel", "parallel_one_norm"])
    if changes["residual"] == "sequential":
        changes["norm_place"] = pick.choice(["pre", "post", "sandwich"])
    if pick.random() < 0.4:
        changes["sliding_window"] = pick.randint(1, model.context_length)
        changes["full_attention_every"] = pick.choice([None, 2, 3])
    for field in ("attention_softcap", "logit_softcap"):
        changes[field] = pick.choice([None, None, 30.0])
    if pick.random() < 0.4:
        experts = pick.randint(1, 6)
        changes |= {"n_experts": experts, "n_active_experts": pick.randint(1, experts), "mlp_bias": False}
        changes |= {"n_shared_experts": pick.randint(0, 2), "expert_hidden_dim": pick.choice([None, 24])}
    return replace(model, **changes)


def configs(count: int) -> Iterator[tuple[ModelConfig, RunConfig]]:
    """Every other one of GPT-2's blocks, every third on CUDA."""
    pick, made = random.Random("golden"), 0
    while made < count:
        model, run = draw(pick)
        changes = {"device": "cuda" if made % 3 == 2 else "cpu", "hardware": pick.choice(HARDWARE)}
        changes["bf16_products"] = pick.choice(choices("bf16_products"))
        try:
            yield modern(pick, model) if made % 2 else model, replace(run, **changes)
            made += 1
        except ConfigError:
            continue


def settings_of(model: ModelConfig, run: RunConfig) -> list[str]:
    """All that is not as usual, in the command line's syntax."""
    return list(to_settings(model, run))


def printed(arguments: Sequence[str]) -> Any:
    """What the command line prints as JSON."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(io.StringIO()):
        command_line.main([*arguments, "--json"], standalone_mode=False)
    return json.loads(text.getvalue())


def reports(count: int) -> Iterator[Any]:
    """Of the command line."""
    for model, run in configs(count):
        chosen = [text for setting in settings_of(model, run) for text in ("--set", setting)]
        yield printed(["report", "book-124m", *chosen])


def traces(count: int) -> Iterator[Any]:
    """Without the seconds that they took."""
    for model, run in configs(10 * count):
        if run.device == "cpu" and model.n_layers <= 12 and count:
            count -= 1
            yield {name: value for name, value in trace(model, run).model_dump().items() if name != "seconds"}


def round_trips(count: int) -> Iterator[Any]:
    """Settings as text, and whether they lead back."""
    for model, run in configs(count):
        text = settings_of(model, run)
        yield [text, apply_settings(ModelConfig(), RunConfig(), text) == (model, run)]


def told(message: Message) -> Iterator[str]:
    """All text of a message to the browser that is shown."""
    for field, value in message.ListFields():
        for each in value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else (value,):
            if isinstance(each, Message):
                yield from told(each)
            elif isinstance(each, str) and not NAMES.search(f"{type(message).__name__}.{field.name}"):
                yield VOLATILE.sub("...", each)


def nodes(node: Any) -> Iterator[Any]:
    """An element of a page and all within it."""
    yield node
    for child in getattr(node, "children", {}).values():
        yield from nodes(child)


def shown(page: AppTest) -> list[str]:
    """The page's text, tables and charts, in their order."""
    page.run()
    found = [f"exception: {each.value}" for each in page.exception]
    for node in nodes(page._tree):  # noqa: SLF001  no public way to all messages
        if isinstance(getattr(node, "proto", None), Message):
            found += told(node.proto)
    found += [str(text) for table in (*page.table, *page.dataframe) for text in table.value.to_numpy().flatten()]
    return found


class ByWords(Radio[str]):
    """A radio that is set to the words of an option, as a browser does, not to the value behind them."""

    @property
    def format_func(self) -> type[str]:
        """The words as they are."""
        return str


def open_and_answer(page: AppTest) -> None:
    """Open all that can be opened, and give the first answer to each guess."""
    for node in nodes(page._tree):  # noqa: SLF001
        key = OPENED.search(getattr(getattr(node, "proto", None), "id", "") or "")
        if key is not None and type(node).__name__ == "Block":
            page.session_state[key[1]] = True
    for radio in page.radio:
        if radio.value is None:
            radio.__class__ = ByWords
            radio.set_value(radio.options[0])


def pages() -> Iterator[Any]:
    """Every page at two addresses, every step of a lesson: as it comes, and with all opened and answered."""
    scripts = [APP.name, *[f"pages/{each.name}" for each in sorted((APP.parent / "pages").glob("*.py"))]]
    for script in scripts:
        for name, address in ADDRESSES.items():
            step = steps = 1
            while step <= steps:
                page = AppTest.from_file(str(APP), default_timeout=120).switch_page(script)
                page.query_params.update({**address, "step": str(step)})
                page.session_state["first_guess_over"] = True  # or Explore shows nothing before a guess
                yield [script, name, step, shown(page)]
                controls: list[Any] = [each for each in page.get("button_group") if each.proto.id.endswith("-step")]
                steps = len(controls[0].options) if controls else 1
                for _ in range(3):  # what is opened has more to open and to answer
                    open_and_answer(page)
                    opened = shown(page)
                yield [script, name, step, "opened and answered", opened]
                step += 1


def first_difference(one: Any, other: Any, place: str = "") -> str:
    """Where two values differ first, and in what."""
    if type(one) is type(other) and isinstance(one, list | dict) and len(one) == len(other):
        keys = one if isinstance(one, dict) else range(len(one))
        for key in keys:
            if isinstance(one, dict) and key not in other:
                break
            if one[key] != other[key]:
                return first_difference(one[key], other[key], f"{place}/{key}")
    if isinstance(one, list) and isinstance(other, list):
        changed = list(unified_diff(list(map(str, other)), list(map(str, one)), n=0, lineterm=""))[3:7]
        return f"{place}: {' | '.join(line[:160] for line in changed)}"
    return f"{place}: {str(other)[:160]} -> {str(one)[:160]}"


def differences(here: Path, there: Path) -> int:
    """Print what differs between two folders, file by file; how many entries do."""
    different = 0
    for file in sorted(here.glob("*.json")):
        some, others = json.loads(file.read_text()), json.loads((there / file.name).read_text())
        found = [(number, *pair) for number, pair in enumerate(zip(some, others, strict=True)) if pair[0] != pair[1]]
        different += len(found)
        click.echo(f"{file.stem}: {len(found)} of {len(some)} differ")
        for number, one, other in found[:SHOWN]:
            name = " ".join(map(str, one[:3])) if file.stem == "pages" else number
            click.echo(f"    {name} {first_difference(one, other)}")
    return different


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path, exists=True))
@click.option("--reports", "n_reports", default=600)
@click.option("--traces", "n_traces", default=60)
@click.option("--pages/--no-pages", "with_pages", default=True)
def main(folder: Path, against: Path | None, n_reports: int, n_traces: int, *, with_pages: bool) -> None:
    """Write all files."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"reports": reports(n_reports), "traces": traces(n_traces), "settings": round_trips(n_reports)}
    for name, found in (parts | ({"pages": pages()} if with_pages else {})).items():
        (folder / f"{name}.json").write_text(json.dumps(list(found), indent=1))
        click.echo(name, err=True)
    if against is not None and differences(folder, against):
        sys.exit(1)


if __name__ == "__main__":
    main()
