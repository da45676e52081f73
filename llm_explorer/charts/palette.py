"""One colour per component and per category of memory, the same on every page.

From Paul Tol's colour-blind-safe "vibrant" and "bright" sets (SRON technical note, 2021), darkened where needed so that
each has a contrast of at least 3:1 to both backgrounds (WCAG 2.1, 1.4.11); a test computes it.
"""

from typing import Final

LIGHT_BACKGROUND: Final = "#ffffff"
DARK_BACKGROUND: Final = "#14161a"

COMPONENTS: Final = {
    "token embedding": "#3b7fc4",
    "position embedding": "#2292a4",
    "attention": "#d9631e",
    "attention scores": "#a8822a",
    "feed-forward": "#0f9d7a",
    "norms": "#858585",
    "head": "#c9487f",
}
PARTS: Final = {  # of the model, and of a step of it: components whose work is more than their parameters
    "embeddings": COMPONENTS["token embedding"],
    "norms": COMPONENTS["norms"],
    "attention": COMPONENTS["attention"],
    "feed-forward": COMPONENTS["feed-forward"],
    "residual stream": COMPONENTS["position embedding"],
    "head": COMPONENTS["head"],
    "loss": "#7a8b2e",
    "optimizer": "#9a68c4",
}
CATEGORIES: Final = {
    "parameters": "#3b7fc4",
    "gradients": "#d9631e",
    "optimizer state": "#9a68c4",
    "activations": "#0f9d7a",
    "temporary": "#c9487f",
    "batch": "#858585",
}
PHASES: Final = {"forward": "#3b7fc4", "backward": "#d9631e", "optimizer": "#9a68c4", "step": "#858585"}
PAIR: Final = ("#3b7fc4", "#d9631e")  # two things compared, as before and after
# values as the strength of a colour, from the background that is there: so in both themes zero looks like nothing
ONE_SIGN: Final = ((0.0, "rgba(59, 127, 196, 0)"), (1.0, "rgba(59, 127, 196, 1)"))
TWO_SIGNS: Final = (
    (0.0, "rgba(217, 99, 30, 1)"),
    (0.5, "rgba(217, 99, 30, 0)"),
    (0.5, "rgba(59, 127, 196, 0)"),
    (1.0, "rgba(59, 127, 196, 1)"),
)
TENSOR_KINDS: Final = {"weights": "#3b7fc4", "biases": "#d9631e", "inputs": "#858585"}


def glass(colour: str, strength: float) -> str:
    """The colour as glass: text on it keeps the contrast it has with the theme's background.

    >>> glass("#3b7fc4", 0.2)
    'rgba(59, 127, 196, 0.2)'
    """
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {strength})"
