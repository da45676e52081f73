"""``python -m llm_explorer``: the same numbers without a browser."""

from llm_explorer.cli import main

if __name__ == "__main__":
    main()
