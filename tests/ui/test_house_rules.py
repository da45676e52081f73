"""Rules of the house that import-linter and ruff cannot keep: read from the syntax trees."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.presets import PRESETS
from llm_explorer.texts.fields import FIELDS

ROOT = Path(__file__).parents[2]
SCRIPTS = (ROOT / "streamlit_app.py", *sorted((ROOT / "pages").glob("*.py")))
PACKAGE = tuple(sorted((ROOT / "llm_explorer").rglob("*.py")))
SOURCES = (*SCRIPTS, *PACKAGE)
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}

APP_TEST = """
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("streamlit_app.py", default_timeout=60)
for layers in (12, 24):
    page.query_params["n_layers"] = str(layers)
    page.run()
    assert not page.exception and len(page.metric) == 4
print([name for name in ("torch", "multiprocessing.spawn", "plotly.express") if name in sys.modules])
"""


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def within(names: Iterator[str], package: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for name in names)


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=SOURCES, ids=by_name)
def source(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_the_rules_are_asked_of_all_rooms() -> None:
    names = {by_name(path) for path in SOURCES}
    assert {"streamlit_app.py", "llm_explorer/model/gpt.py", "llm_explorer/ui/frame/shell.py"} <= names


def test_only_the_user_interface_imports_streamlit(source: Path) -> None:
    allowed = source in SCRIPTS or ROOT / "llm_explorer" / "ui" in source.parents
    assert allowed or not within(imports(TREES[source]), "streamlit")


def test_what_the_server_imports_on_its_own_is_not_torch(source: Path) -> None:
    server = ("ui", "charts", "texts", "accounting")
    if source in SCRIPTS or source.parent.name in server:
        assert not within(imports(TREES[source]), "torch")


@pytest.mark.parametrize("banned", ["plotly.express", "multiprocessing"])
def test_banned_modules_are_imported_nowhere(source: Path, banned: str) -> None:
    # plotly.express is 20 times slower than graph objects; multiprocessing runs the app's script again in each child
    assert not within(imports(TREES[source]), banned)


def test_no_html_gets_onto_a_page(source: Path) -> None:
    for node in ast.walk(TREES[source]):
        assert not (isinstance(node, ast.keyword) and node.arg in ("unsafe_allow_html", "unsafe_allow_javascript"))
        if source != ROOT / "llm_explorer" / "ui" / "parts" / "appearance.py":  # styles made of constants
            assert not (isinstance(node, ast.Attribute) and node.attr == "html")


RUNS_TEXT = ("eval", "exec", "compile", "__import__", "breakpoint", "input")
# what unpickles or goes through a shell; torch.load and numpy.load do the first
UNSAFE = ("pickle", "marshal", "shelve", "dill", "joblib", "runpy", "torch.load", "numpy.load", "os.system")
OF_OWN_CONSTANTS = {ROOT / "llm_explorer" / "accounting" / "rows.py"}  # formulas that stand in the source


def test_nothing_that_runs_a_text_or_unpickles_is_used(source: Path) -> None:
    for node in ast.walk(TREES[source]):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        assert called not in RUNS_TEXT or source in OF_OWN_CONSTANTS, f"{source}:{called}"
        assert called not in UNSAFE
        assert not called.endswith((".load_state", ".from_pickle", ".read_pickle"))
        assert not (isinstance(node, ast.keyword) and node.arg in ("shell", "allow_pickle", "trust_remote_code"))
    assert not any(within(imports(TREES[source]), module) for module in UNSAFE)


def test_texts_that_are_evaluated_are_made_of_letters_numbers_and_signs() -> None:
    """Whatever the config: no text of a visitor is in a formula."""
    for preset in PRESETS:
        for row in (*count_parameters(preset.model).rows, *count_memory(preset.model, preset.run).rows):
            assert re.fullmatch(r"(\b[A-Za-z]\b|[0-9]+|[-+*/(), ]|min|max)+", row.formula.text), row.formula.text


def test_every_cache_has_a_largest_size(source: Path) -> None:
    for node in ast.walk(TREES[source]):
        decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
        for decorator in decorators:
            if "cache_data" in ast.unparse(decorator) or "cache_resource" in ast.unparse(decorator):
                assert isinstance(decorator, ast.Call), f"{source}:{node.lineno}"
                assert "max_entries" in {keyword.arg for keyword in decorator.keywords}, f"{source}:{node.lineno}"


WITH_A_VALUE = {"radio", "slider", "select_slider", "text_input", "text_area", "number_input", "toggle", "selectbox"}
WITH_A_VALUE |= {"pills", "segmented_control", "multiselect"}
FRAME = ("sidebar", "run_row", "settings", "architecture", "exchange", "share", "preset_picker")  # on every page
# a guess that is asked once, a box that is a command, what is to be asked for anew, what the address has
NOT_KEPT = ("my_guess", "compare_add", "every_change", "state.STEP")


def test_what_is_set_on_a_page_is_kept_for_the_visit(source: Path) -> None:
    """Else it is lost where the visitor goes to another page and comes back."""
    if ROOT / "llm_explorer" / "ui" not in source.parents or source.stem in FRAME:
        return
    for node in ast.walk(TREES[source]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WITH_A_VALUE:
            given = {keyword.arg: ast.unparse(keyword.value).strip("'") for keyword in node.keywords}
            kept = given.get("persist_state") == "session" or given.get("key") in NOT_KEPT
            assert kept, f"{source}:{node.lineno} {given.get('key')}"


def test_functions_have_at_most_60_lines(source: Path) -> None:
    for node in ast.walk(TREES[source]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno + 1 <= 60, f"{source}:{node.lineno} {node.name}"


def test_files_have_at_most_350_lines_and_pages_100(source: Path) -> None:
    assert len(source.read_text(encoding="utf-8").splitlines()) <= (100 if source in SCRIPTS else 350)


@pytest.mark.parametrize("field", [*ModelConfig.model_fields, *RunConfig.model_fields])
def test_every_field_has_a_label_and_a_sentence(field: str) -> None:
    assert FIELDS[field].label
    assert FIELDS[field].help.endswith(".")


def test_the_server_side_of_the_page_imports_no_torch() -> None:
    done = subprocess.run([sys.executable, "-c", APP_TEST], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
