"""Words of the lesson on automatic differentiation."""

from typing import Final, NamedTuple

from llm_explorer.texts.guess import Guess

TITLE: Final = "How does PyTorch know every gradient?"
QUESTION: Final = (
    "Training asks, for each of millions of weights, which way and how fast the loss changes. "
    "Automatic differentiation answers all of them in one pass; here you see how, and check it."
)


INPUTS: Final = {
    "x": "What goes in: data, no gradient is asked for it.",
    "w": "The weight: a parameter.",
    "b": "The bias: a parameter.",
    "y": "What should come out, from 0 to 1.",
}
FUNCTIONS: Final = {"double": "double", "square": "square", "sine": "sine", "sigmoid": "sigmoid"}
EXPRESSIONS: Final = {"one neuron": "one neuron", "the same neuron twice": "the same neuron twice"}
SIDES: Final = {"one": "one-sided", "two": "two-sided"}

CHAIN: Final = (
    "A derivative is an exchange rate: move the input a little, and the output moves that many times as much. "
    "When $y = f(u)$ and $u = g(x)$, a small move of $x$ passes through two exchange rates, one after the other."
)
CHAIN_GUESS: Final = Guess(
    "Near some $x$, $g$ has slope 3 and, at the $u$ it gives, $f$ has slope 2. How steep is $f(g(x))$?",
    {"sum": "5, the sum", "product": "6, the product", "larger": "3, the larger"},
    "product",
    "**6.** Move $x$ by a little, $u$ moves 3 times as much, and $y$ 2 times as much as $u$: rates multiply. This is "
    r"the chain rule, $\frac{dy}{dx} = \frac{dy}{du} \cdot \frac{du}{dx}$, and it is all the calculus that "
    "backpropagation needs. Each slope below is computed by PyTorch; change $x$ and both functions.",
)
CHAIN_PRODUCT: Final = r"\frac{{dy}}{{dx}} = \frac{{dy}}{{du}} \cdot \frac{{du}}{{dx}} = {:.4f} \times {:.4f} = {:.4f}"
CHAIN_WHERE: Final = "Note where $f$ is looked at: its slope counts at $u = g(x)$, not at $x$."

NEURON: Final = (
    r"One neuron: $z = x\,w + b$, $a = \sigma(z) = \frac{1}{1 + e^{-z}}$, and the loss is the binary cross-entropy "
    r"$L = -\left(y \ln a + (1 - y) \ln (1 - a)\right)$. We want $\frac{\partial L}{\partial w}$ and "
    r"$\frac{\partial L}{\partial b}$: how the loss answers to the weight and to the bias."
)
NEURON_QUESTION: Final = "With the numbers as they stand, does a slightly larger $w$ raise or lower the loss?"
NEURON_OPTIONS: Final = {"raises": "it raises it", "lowers": "it lowers it", "leaves": "it does not change it"}
FORWARD: Final = r"$z = {x:g} \times {w:g} {b:+g} = {z:.4f}$,$\quad a = \sigma(z) = {a:.4f}$,$\quad L = {loss:.4f}$"
BY_HAND: Final = (
    r"\begin{{aligned}} \frac{{\partial L}}{{\partial w}} &= "
    r"\underbrace{{\left(-\frac{{y}}{{a}} + \frac{{1-y}}{{1-a}}\right)}}_{{\partial L / \partial a}} \cdot "
    r"\underbrace{{a (1-a)}}_{{\partial a / \partial z}} \cdot \underbrace{{x}}_{{\partial z / \partial w}} "
    r"\\ &= (a - y)\,x = ({a:.4f} - {y:g}) \cdot ({x:g}) = {slope:.4f} \end{{aligned}}"
)
THREE_WAYS: Final = (
    "By hand and by autograd agree to the last digits: autograd is not an approximation, it applies the same rules "
    "to numbers. Finite differences wiggle the parameter by $h = 10^{-6}$ and are a little off."
)
NEURON_ANSWERS: Final = {
    "raises": r"**It raises it**: $\partial L/\partial w$ is {slope:+.4f}, positive, so gradient descent makes $w$ "
    "smaller.",
    "lowers": r"**It lowers it**: $\partial L/\partial w$ is {slope:+.4f}, negative, so gradient descent makes $w$ "
    "larger.",
    "leaves": r"**It does not change it**: $\partial L/\partial w$ is 0 here, so gradient descent leaves $w$ alone.",
}

GRAPH: Final = (
    "While you compute forward, PyTorch notes each operation. Below is the graph it really keeps, found by walking "
    "`loss.grad_fn` and its `next_functions`: forward went from the bottom up, backward goes from the top down."
)
GRAPH_GUESS: Final = Guess(
    "The neuron is used twice with the same $w$: its gradient reaches $w$ on two ways. What is `w.grad`?",
    {"last": "the last to arrive", "larger": "the larger of the two", "sum": "the sum of both"},
    "sum",
    "**The sum**: a small move of $w$ changes the loss on both ways at once. Choose *the same neuron twice* and step "
    "through. In GPT-2 the token embedding is such a weight: it is used at the start and again as the output head.",
)
GRAPH_STEP: Final = "Backward, step by step"
GRAPH_START: Final = "Nothing has flowed yet. Backward starts at the loss with a gradient of 1, because $dL/dL = 1$."
GRAPH_NODE: Final = "`{operation}` has received {gradient:.4f} at {name} and sends on:"
GRAPH_SENDS: Final = "to {target}: received {gradient:.4f} × local derivative {local:.4f} = **{flow:.4f}**"
GRAPH_LEAF: Final = "`AccumulateGrad` adds **{gradient:.4f}** to `{name}.grad`: a leaf, the way ends here."
GRAPH_ABSENT: Final = (
    "$x$ and $y$ are not in the graph: no gradient was asked for them. *Kept* are the numbers that an operation needs "
    "again for its backward: they are the activations that make training need so much more memory than inference."
)

TANGENT: Final = (
    "The loss for every $w$, while $x$, $b$ and $y$ stay as they are. Drag $w$: the line that touches the curve there "
    "has the slope `w.grad`. Below are its three factors: a marker grows with the size and points with the sign."
)
TANGENT_GUESS: Final = Guess(
    "Where the neuron is sure and wrong ($a$ near 0, $y = 1$), how large is `w.grad`?",
    {
        "near_zero": "close to 0: the sigmoid is flat there",
        "near_minus_x": "close to $-x$",
        "no_limit": "without limit",
    },
    "near_minus_x",
    "**Close to $-x$.** The sigmoid is flat there, $a(1-a) \\approx 0$, but the loss is steep, $-1/a$, and the two "
    "cancel: their product is $a - y$. Drag $w$ to the left and watch one factor grow as the other shrinks. This is "
    "why sigmoid and cross-entropy are used together: with a squared error only the flat factor would be left.",
)
TANGENT_SLIDER: Final = "The weight w"
TANGENT_LINE: Final = (
    r"$\texttt{{w.grad}} = {:.4f} \times {:.4f} \times {:.4f} = {slope:.4f}$ at $w = {w:g}$, where $a = {a:.4f}$ and "
    r"$L = {loss:.4f}$."
)

WHY: Final = (
    "With $P$ parameters, finite differences need one forward pass for each, and one for the loss as it "
    "is. Autograd needs one forward and one backward for all of them together, however many there are."
)
WHY_GUESS: Final = Guess(
    "How long would one gradient of your model of {parameters} parameters take by finite differences here?",
    {"seconds": "seconds", "minutes": "minutes", "hours": "hours", "days": "days", "years": "years"},
    "years",
    "**{duration}**: {passes} forward passes of {forward} each. One forward and one backward take {autograd}: "
    "{ratio} times less. All of training rests on this ratio.",
)
WHY_MEASURED: Final = "Measured: forward {forward}, backward {backward} · computed from them: the rest"
WHY_UNMEASURED: Final = (
    "Your model has not been timed here yet: build and time it on Explore first, then this step shows both times. "
    "Until then, the work in FLOPs:"
)
WHY_FORMULA: Final = (
    r"\begin{{aligned}} t_\text{{finite differences}} &= (P + 1)\,t_\text{{forward}} = {passes}\;t_\text{{forward}} \\ "
    r"t_\text{{autograd}} &= t_\text{{forward}} + t_\text{{backward}} \approx 3\,t_\text{{forward}} \end{{aligned}}"
)

STEP_SIZE: Final = (
    r"A finite difference $\frac{L(w + h) - L(w)}{h}$ is exact only for $h \to 0$. So make $h$ as small as possible?"
)
STEP_GUESS: Final = Guess(
    "Which h gives the best slope in fp64 (16 digits)?",
    {"tenth": "0.1", "root_of_rounding": "about 0.00000001", "rounding": "0.0000000000000001"},
    "root_of_rounding",
    r"**About $10^{-8}$.** On the right $h$ is too large: the curve bends within it (error grows as $h$, for the "
    r"two-sided difference as $h^2$). On the left $L(w + h)$ and $L(w)$ agree in almost all digits, and what is left "
    r"is rounding divided by $h$. The best $h$ is near $\sqrt{\varepsilon}$ (two-sided: $\sqrt[3]{\varepsilon}$), with "
    r"$\varepsilon$ about $2 \cdot 10^{-16}$ in fp64 and $1 \cdot 10^{-7}$ in fp32. In fp32, where models are "
    "trained, a one-sided difference keeps three or four digits at best, a two-sided one about five. Autograd has no "
    "$h$ at all.",
)
STEP_BEST: Final = (
    "Smallest error: {:.1e} at h = {:.0e} in fp32, {:.1e} at h = {:.0e} in fp64; the slope is {exact:.4f}."
)


class Rule(NamedTuple):
    """A rule of autograd: its name, what is shown, where it matters."""

    title: str
    shows: str
    matters: str


RULES: Final = {  # by the function of the lesson
    "requires_grad": Rule(
        "requires_grad",
        "PyTorch records an operation only if one of its inputs asks for gradients.",
        "Parameters of a module ask by themselves; data does not. Freezing a layer is `requires_grad = False`.",
    ),
    "accumulation": Rule(
        ".grad adds up",
        "Each `backward()` adds to `.grad`. This is no bug: gradient accumulation lives from it.",
        "Forget `optimizer.zero_grad()` and each step also follows all the steps before.",
    ),
    "no_grad": Rule(
        "no_grad",
        "Inside `torch.no_grad()` nothing is recorded.",
        "For inference it saves the memory of the activations; optimizers update the weights inside it.",
    ),
    "leaves": Rule(
        "leaves",
        "A leaf is a tensor that was made, not computed. Backward fills `.grad` of leaves only.",
        "The gradient of what lies between is used and dropped, which saves memory; `retain_grad()` keeps it.",
    ),
}
RULES_INTRO: Final = (
    "Four rules explain almost every surprise with autograd. Each is run for you: the code, and what it gave."
)
RULES_GUESS: Final = Guess(
    "`backward()` is called twice on a loss of slope 3, without clearing in between. What is `w.grad`?",
    {"3": "3", "6": "6", "9": "9", "error": "an error"},
    "6",
    "**6**: the second backward adds to what the first left. Below are the lines that show it, and three more rules.",
)

ENGINE: Final = (
    "All of this fits into about a hundred lines of plain Python: a number that remembers what it was made of, with "
    "the local derivative for each input, and a loop that goes back. It has no recursion, so a chain of a million "
    "operations is fine."
)
ENGINE_GUESS: Final = Guess(
    "How many digits will this little engine share with PyTorch?",
    {"few": "two or three", "seven": "about seven", "all": "about fifteen, all that fp64 has"},
    "all",
    "**All of them**, up to rounding in the last: both apply the same rules to the same numbers. Largest difference "
    "in the table: {difference:.1g}.",
)
ENGINE_SAME: Final = (
    "The same lines are run by both: `x * w + b`, `.sigmoid()`, `.log()` mean the same on either kind of number."
)

EXERCISES: Final = "Three questions on the model you have configured. Write units if you like: 2.5 GFLOP, 621 MiB."
EXPLORE_GRADIENTS: Final = "See the gradients in your model's memory on Explore"
EXPLORE_BUILD: Final = "Build and time it on Explore"
EXPLORE_ACCUMULATION: Final = "Set the accumulation of your run on Explore"
EXPLORE_TYING: Final = "Tie the embeddings of your model on Explore (Architecture)"
