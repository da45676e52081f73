"""Words of the lesson on backpropagation."""

from typing import Final, NamedTuple

from llm_explorer.texts.guess import Guess

TITLE: Final = "How does a network learn from its error?"
QUESTION: Final = (
    "Backpropagation: one backward pass tells every weight which way to move. "
    "Here you see each number of a small network while it does, and then the same in your own GPT."
)


class Phase(NamedTuple):
    """One of the five steps: its name, its code, what happens."""

    name: str
    code: str
    what: str


SEED_LABEL: Final = "Random start"
SEED_HELP: Final = "The seed of all random numbers here: the same seed gives the same network and the same data."
DATA: Final = {"one sample": "one sample", "data set": "data set"}
DATA_HELP: Final = "One random input with label 1; or 64 inputs, labelled 1 on one side of a plane and 0 on the other."

FORWARD: Final = r"""
**Forward**, from the input on:

1. $z_1 = W_1 x + b_1$: five weighted sums of ten inputs
2. $h = \max(0, z_1)$: ReLU, open where $z_1 > 0$
3. $z_2 = W_2 h + b_2$: one weighted sum
4. $\hat y = \sigma(z_2) = 1 / (1 + e^{-z_2})$: a probability
5. $L = -y \ln \hat y - (1 - y) \ln (1 - \hat y)$: the loss
"""
BACKWARD: Final = r"""
**Backward**, from the loss back:

1. $\delta_2 = \partial L / \partial z_2 = \hat y - y$: just the error
2. $\partial L / \partial W_2 = \delta_2\, h^\top$ and $\partial L / \partial b_2 = \delta_2$
3. $\partial L / \partial h = W_2^\top\, \delta_2$: the error, shared out
4. $\delta_1 = \partial L / \partial z_1 = \partial L / \partial h \odot [z_1 > 0]$: through open ReLUs
5. $\partial L / \partial W_1 = \delta_1\, x^\top$ and $\partial L / \partial b_1 = \delta_1$
"""
RECIPE: Final = (
    "The recipe is the same for any number of layers: a layer's gradient is **the error behind it times the input it "
    "got**. The error is handed on to the layer before; the input was kept from the forward pass. "
    "A batch takes the mean over its examples; PyTorch stores examples as rows, so its code has $x W_1^\\top$."
)

PHASES: Final = (
    Phase(
        "Initialise",
        "net = SimpleNet()\noptimizer = SGD(net.parameters(), lr=0.01)",
        "All 61 parameters are drawn at random; nothing is known of the data yet.",
    ),
    Phase(
        "Forward",
        "optimizer.zero_grad()\noutputs = net(inputs)",
        "Old gradients are forgotten; the input runs through both layers and becomes one probability.",
    ),
    Phase(
        "Loss",
        "loss = nn.BCELoss()(outputs, labels)",
        r"The label is 1, so the loss is $-\ln \hat y$: 0 for a sure right answer, 0.69 for a coin toss.",
    ),
    Phase(
        "Backward",
        "loss.backward()",
        "Every parameter gets its gradient: by how much the loss would grow if the parameter grew. "
        "No parameter has moved yet.",
    ),
    Phase(
        "Update",
        "optimizer.step()",
        "Every parameter moves a little against its gradient, by lr times it. The gradient on the right is what "
        "the next backward pass finds.",
    ),
)
ZERO_ROWS: Final = (
    "About half, so **rows of zeros are no bug.** A neuron's row holds all that belongs to it: ten incoming weights, "
    "bias, outgoing weight. For this one input a fresh neuron's sum $z_1$ is as likely below zero as above, so about "
    "half of the ReLUs are closed. A closed ReLU gives out $h = 0$, so its outgoing weight cannot change the loss; and "
    "it lets no error back, so its incoming weights get none. Its whole row of gradients is exactly 0."
)
LABELS_SHAPE: Final = (
    "One thing to copy exactly: the labels have the shape (1, 1) of the outputs. `BCELoss` refuses "
    "`torch.tensor([1.0])`, whose shape is (1,)."
)

PREDICTION: Final = (
    r"A small move $\Delta$ changes the loss by about $g \cdot \Delta$. Gradient descent moves by "
    r"$\Delta = -\text{lr}\, g$, so the loss should fall by about $\text{lr}\, |g|^2$: a promise that every step makes "
    "before it is taken. It comes from the slope here, and holds as long as the slope hardly changes on the way."
)
ONE_SAMPLE_CANNOT_RISE: Final = (
    "With one sample of label 1 the loss never rises, whatever the rate: each step raises the output. "
    "The promise still breaks, as the drop cannot be more than the loss there was. Take the data set to see it rise."
)

DEAD: Final = (
    "All five are closed: only the output's bias still gets a gradient, and the answer is the same for every input."
)
CLOSING: Final = (
    "To close a neuron its bias is lowered until $z_1 < 0$ for every input. A ReLU that is closed for **all** data "
    "is called *dead*: without a gradient, gradient descent never opens it again. With many samples that is rare: what "
    "is closed for one is open for another, as the data set shows."
)

ALWAYS_ONE: Final = (
    "Both networks start from the same 61 numbers. The one that only ever saw the label 1 found the cheap way: raise "
    "the output, for whatever input. Its loss falls towards zero, and it has learnt nothing about the inputs. "
    "Only examples that *differ* in their label say which input matters."
)

PENDULUM: Final = (
    "One input, shown four times, with labels 1, 1, 1, 0: the best answer is 0.75. With `zero_grad` the output comes "
    "to rest there. Without it `.grad` is the sum of **all** gradients so far, the oldest as strong as the newest: it "
    "goes on pushing when the goal is passed, like a pendulum with hardly any friction. It is SGD with a momentum of 1."
)
NOT_SEEN_AT_ONCE: Final = (
    "The slip raises no error, and on data that the network can fit perfectly the loss may even fall faster at first: "
    "that is why it is hard to notice. The same adding up has a good use: several small batches, one update, called "
    "*gradient accumulation*."
)

DEPTH: Final = {
    "sigmoid": (
        r"On the way back each layer multiplies the error by its weights and by the slope of the sigmoid, which is "
        r"**at most 1/4**: twenty slopes leave $0.25^{20} \approx 10^{-12}$. The gradient *vanishes*, and the first "
        "layers hardly learn. Larger weights only soften it."
    ),
    "relu": (
        "The slope of an open ReLU is 1, of a closed one 0, and about half are open. So the start decides: with small "
        r"weights the gradient *vanishes*, with N(0, 1) it *explodes*. Weights with a variance of $2 / 32$, 2 over the "
        "number of inputs (He et al. 2015), make up for the closed half: the gradient arrives."
    ),
}
STARTS: Final = {"small": "N(0, 0.1²)", "large": "N(0, 1)"}
MATCHED: Final = {"sigmoid": "matched to the width, N(0, 1/32)", "relu": "matched to the width, N(0, 2/32)"}
LAST_HOPE: Final = (
    "Every layer is 32 wide. A GPT goes further: residual connections give the gradient a way around each layer, and "
    "norms keep the sizes in check. The next step shows what that does."
)

GPT: Final = (
    "One backward pass of your config on random tokens. It is untrained: the sizes of its gradients are those that "
    "training starts from, what they would teach is noise. Residual connections, norms and a start matched to the "
    "depth let the gradient through to the first layer."
)
KEPT: Final = (
    "Each matrix's gradient needs the matrix's input, softmax its output, a norm its mean and deviation: forward keeps "
    "them all until backward has used them."
)
ONE_NUMBER: Final = "The 4 bytes more are one number, the count of targets in the loss, which the formulas leave out."
EXERCISES: Final = "On the config in the sidebar; units such as MiB or GFLOP are understood, and 2% is close enough."

GUESSES: Final = {
    "formulas": Guess(
        "Backward runs through the network once. Which gradient does it have first?",
        {"first": "that of W1, at the input", "last": "that of W2, at the output", "same_time": "all at the same time"},
        "last",
        "W2's: at the output the error is known. W1's is made from what the output hands back; hence the name.",
    ),
    "five_steps": Guess(
        "After the first backward pass, how many of the five hidden neurons have gradients that are not zero?",
        {"all": "all five", "half": "about half of them", "none": "none"},
        "half",
        ZERO_ROWS,
    ),
    "drop": Guess(
        "How far does the loss fall in a small step of gradient descent?",
        {"rate_norm": "by lr × |g|", "rate_norm_squared": "by lr × |g|²", "rate": "by lr only"},
        "rate_norm_squared",
        r"By $\text{lr}\, |g|^2$, with $|g|^2$ the squares of all 61 gradients added up.",
    ),
    "closing": Guess(
        "You close a neuron's ReLU. What gradients do its weights get?",
        {
            "smaller": "smaller ones",
            "zero": "exactly zero, all of them",
            "zero_for_inputs": "zero for its inputs, but not for its outgoing weight",
        },
        "zero",
        "Exactly zero, in the whole row: nothing goes out, and no error comes back.",
    ),
    "one_sample": Guess(
        "A network is trained on one sample only, with label 1. What does it say to 200 new inputs, half of them 1?",
        {"half": "1 to about half of them", "nearly_all": "1 to nearly all of them", "few": "0 to most of them"},
        "nearly_all",
        "1, nearly always: that is all that its one example taught.",
    ),
    "zero_grad": Guess(
        "The loop forgets `optimizer.zero_grad()`. What happens?",
        {
            "error": "PyTorch reports an error",
            "nothing": "nothing: backward overwrites .grad",
            "sum": "each update uses the sum of all gradients",
        },
        "sum",
        "`backward()` *adds* to `.grad`, so each update uses the sum of all gradients so far, without a word.",
    ),
    "depth": Guess(
        "Twenty layers with sigmoids. How much of the gradient at the last layer reaches the first?",
        {"tenth": "about a tenth", "thousandth": "about a thousandth", "billionth": "less than a billionth"},
        "billionth",
        "Less than a billionth, at the usual start.",
    ),
}
KEPT_QUESTION: Final = "What takes more memory in a training step of your config?"
KEPT_OPTIONS: Final = {
    "weights": "the weights",
    "activations": "what is kept for backward",
    "same": "about the same, within 25%",
}
KEPT_ANSWER: Final = "With B and T of your run the weights take {weights}, what is kept for backward {kept}."
