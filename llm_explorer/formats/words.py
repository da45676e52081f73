"""Text from outside: what is said of it where it cannot be read, and names in a row."""

from llm_explorer.config import ConfigError, Problem


def refusal(field: str, value: object, why: str) -> ConfigError:
    """One problem: the value, shortened, and why it is refused."""
    return ConfigError([Problem(field, value, f"{short(str(value))}: {why}")])


def short(text: str) -> str:
    """Text from outside, printable and at most 60 characters."""
    return text if len(text) <= 60 and text.isprintable() and text else ascii(text[:57])


def keys_in(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
