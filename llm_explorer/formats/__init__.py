"""Reading and writing configs: the book's Python dict, JSON, ``field=value`` settings, Hugging Face's config.json.

Text from outside is never run. Whatever is wrong is raised as a ConfigError in words.

    >>> model, run = parse('GPT_CONFIG = {"emb_dim": 1024, "n_heads": 16}  # the rest as in the book')
    >>> to_settings(model, run)
    ('emb_dim=1024', 'n_heads=16')
"""

from llm_explorer.formats.address import to_address
from llm_explorer.formats.hugging_face.writing import to_hugging_face
from llm_explorer.formats.imported import Counted, Imported
from llm_explorer.formats.pytorch_file import to_pytorch
from llm_explorer.formats.reading import MAX_CHARACTERS, load, load_import, parse, read
from llm_explorer.formats.settings import Configs, apply_settings, to_settings
from llm_explorer.formats.writing import counted_report, to_book, to_book_dict, to_csv, to_json, to_markdown

__all__ = [
    "MAX_CHARACTERS",
    "Configs",
    "Counted",
    "Imported",
    "apply_settings",
    "counted_report",
    "load",
    "load_import",
    "parse",
    "read",
    "to_address",
    "to_book",
    "to_book_dict",
    "to_csv",
    "to_hugging_face",
    "to_json",
    "to_markdown",
    "to_pytorch",
    "to_settings",
]
