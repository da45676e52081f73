"""Parts of every page: charts, tables, text from outside; sentences with numbers, appearance, browser parts."""

from llm_explorer.ui.parts.charts import chart as chart
from llm_explorer.ui.parts.choice import choose as choose
from llm_explorer.ui.parts.plain_text import WORD_JOINER as WORD_JOINER
from llm_explorer.ui.parts.plain_text import plain as plain
from llm_explorer.ui.parts.tables import data_table as data_table
from llm_explorer.ui.parts.tables import folded as folded
from llm_explorer.ui.parts.tables import folded_table as folded_table
from llm_explorer.ui.parts.tables import formula_table as formula_table
from llm_explorer.ui.parts.tables import metric as metric
