import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# multiprocessing.spawn runs the app's script again in each child; plotly.express takes a second to import
EVERY_PAGE = """
import sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("streamlit_app.py", default_timeout=60)
for layers in ("12", "24"):
    page.query_params["n_layers"] = layers
    page.run()
    assert not page.exception and len(page.metric) == 4
for script in sorted(Path("pages").glob("*.py")):
    page.switch_page(str(script)).run()
    assert not page.exception, script
print([name for name in ("torch", "multiprocessing.spawn", "plotly.express") if name in sys.modules])
"""


def test_no_page_imports_torch_into_the_server() -> None:
    done = subprocess.run([sys.executable, "-c", EVERY_PAGE], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
