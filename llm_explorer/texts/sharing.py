"""Words of the sidebar's presets, import and export."""

from typing import Final

PRESET: Final = "Preset"
PRESET_HELP: Final = (
    "Published models by family and size. Type to search: a name, a family, or a size such as 8.0 B. A preset sets the "
    "model, the batch and the sequence; the rest of the run stays yours."
)
IMPORT: Final = "Import"
PASTE: Final = "Paste a config"
PASTE_HELP: Final = (
    "A Hugging Face config.json, the book's dict, JSON, or the arguments of nanoGPT and litgpt. Nothing in it is run, "
    "and nothing is fetched."
)
PASTE_EXAMPLE: Final = '{"model_type": "llama", "hidden_size": 4096, ...}'
UPLOAD: Final = "or choose a file of at most 1 MB"
FILE_READ: Final = "Read from {name}; what is pasted above waits until the file is removed."
NOT_TEXT: Final = "{name} is not text in UTF-8; a config is a text file of a few kilobytes"
TOO_LARGE: Final = "{name} has over 1 MB; a config has a few kilobytes"
FOUND: Final = "**{family}**: {count} parameters"
COUNTED: Final = (
    "**{family}**: {count} parameters, {active} of them active for a token. Counted, not buildable: the app's model "
    "has no such layers, so your config stays."
)
USE: Final = "Use this model"
SHORTER: Final = "Its context is shorter than your sequence: the sequence becomes automatic."
IN_USE: Final = "This is your config now."

EXPORT: Final = "Export"
MEND_FIRST: Final = "Mend the config first; it can be taken along then."
EXPORTS: Final = {  # by the file's name
    "config.json": "Hugging Face config.json",
    "gpt.py": "PyTorch, one file",
    "book_config.py": "The book's dict",
    "llm_explorer.json": "JSON, all fields",
    "report.md": "Markdown report",
    "report.csv": "CSV, every table",
}
NO_EXPORT: Final = "{label}: {reason}"
LINK: Final = "The address of this page is a link to this very config."
