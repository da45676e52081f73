"""Text from outside, shown as the signs that it is."""

import re
import string
from typing import Final

WORD_JOINER: Final = "\u2060"
_SIGN: Final = re.compile(f"[{re.escape(string.punctuation)}]")  # those of ASCII; no others mean anything
# https://a, www.a, a@b, :material/home:, ->, --, <-, <=
_ACTED_ON: Final = re.compile(r"https?:(?=//)|www(?=\.|$)|@|:(?=[\w+-]+[:/])|-(?=[->])|<(?=[-=])|[>~!](?==)", re.I)


def plain(text: str) -> str:
    r"""Text from outside, on one line, as the signs that it is: with nothing that Markdown would act on.

    Every sign that may mean something has a backslash (CommonMark 0.31, 2.4). Streamlit makes links, icons and arrows
    of what is left when the backslashes have gone: there an invisible sign that breaks no word stands between.

    >>> print(plain("a&colon; *b*"))
    a\&colon\; \*b\*
    """
    words = _ACTED_ON.sub(lambda found: found[0] + WORD_JOINER, " ".join(text.split()))
    return _SIGN.sub(r"\\\g<0>", words)
