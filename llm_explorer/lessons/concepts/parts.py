"""The parts of a config, each shown on a small real piece of the model.

    >>> pattern = heads(n_heads=2, seed=0)["patterns"][0]  # what each of 8 tokens looks at, in the first head
    >>> pattern[0]  # the first token sees only itself
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]

Nothing here is trained: weights are what they are on the first day, drawn at random from the seed.
"""

from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor, nn

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.model import MLP, CausalSelfAttention, Embedding, Linear, build
from llm_explorer.training import random_batch

TINY: Final = ModelConfig(vocab_size=256, context_length=16, emb_dim=16, n_heads=2, n_layers=2, drop_rate=0.0)
TOKENS: Final = 8
MOST_CHARACTERS: Final = 24
HISTOGRAM_BINS: Final = 41
HISTOGRAM_EDGE: Final = 0.08  # four standard deviations of the embeddings
WATCHED: Final = 5
LEARNING_RATE: Final = 1.0  # plain gradient descent; large, so that one step is seen
DROPOUT_VALUES: Final = 24
DROPOUT_DRAWS: Final = 1000
BIAS_WIDTH: Final = 8

Data = dict[str, Any]


def parameters(seed: int) -> Data:
    """All matrix entries of a fresh tiny GPT as a histogram, and five of them before and after one training step.

    The step is plain gradient descent. Returns ``count`` (of all parameters), ``middles`` and ``heights`` of the bins,
    ``before`` and ``after`` (5 entries of the first block's ``up``).
    """
    run = RunConfig(seed=seed)
    gpt = build(TINY, run)
    weights = list(gpt.parameters())
    drawn = torch.cat([weight.detach().flatten() for weight in weights if weight.dim() == 2])
    watched = gpt.get_parameter("blocks.0.mlp.up.weight")[0, :WATCHED]
    before = watched.tolist()
    gradients = torch.autograd.grad(gpt.loss(*random_batch(TINY, run)), weights)
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.sub_(gradient, alpha=LEARNING_RATE)
    count = sum(weight.numel() for weight in weights)
    return {"count": count, **_histogram(drawn), "before": before, "after": watched.tolist()}


def vocabulary(text: str, seed: int) -> Data:
    """A vocabulary of the text's own characters, the text as ids, and a vector for each character.

    Returns ``characters``, ``ids`` and ``rows`` (V, 16): "aba" -> characters a b, ids 0 1 0.
    """
    if not text:
        raise ValueError("Type at least one character")
    characters = sorted(set(text))
    if len(characters) > MOST_CHARACTERS:
        raise ValueError(f"That is {len(characters)} different characters; the picture has room for {MOST_CHARACTERS}")
    torch.manual_seed(seed)
    table = Embedding(len(characters), TINY.emb_dim)
    ids = [characters.index(character) for character in text]
    return {"characters": characters, "ids": ids, "rows": table.weight.tolist()}


def context(tokens: int, seed: int) -> Data:
    """The position vectors of a GPT with a context of 8, and what it says to a text of ``tokens`` tokens.

    Returns ``rows`` (8, 16) and ``refusal``: None, or the model's own words when the text is too long.
    """
    gpt = build(replace(TINY, context_length=TOKENS), RunConfig(seed=seed))
    refusal = None
    try:
        gpt(torch.zeros(1, tokens, dtype=torch.int64))
    except ValueError as error:
        refusal = str(error)
    return {"rows": gpt.position_embedding.weight.tolist(), "refusal": refusal}


def embedding(width: int, seed: int) -> Data:
    """The vectors of two tokens in an embedding of that width, and the cosine of the angle between them.

    Returns ``rows`` (2, D) and ``cosine``: about 0 give or take 1 / sqrt(D), since both are random.
    """
    torch.manual_seed(seed)
    table = Embedding(2, width)
    cosine = torch.cosine_similarity(table.weight[0], table.weight[1], dim=0)
    return {"rows": table.weight.tolist(), "cosine": cosine.item()}


@torch.no_grad()
def hidden(width: int, hidden_dim: int, seed: int) -> Data:
    """One token's vector on its way through a feed-forward layer: D values, F values, D values.

    Returns ``stages``: in (D), up (F), after GELU (F), down (D).
    """
    torch.manual_seed(seed)
    mlp = MLP(replace(TINY, emb_dim=width, hidden_dim=hidden_dim))
    x = torch.randn(width)
    up = mlp.up(x)
    active = nn.functional.gelu(up, approximate="tanh")
    stages = {"in": x, "up": up, "after GELU": active, "down": mlp.down(active)}
    return {"stages": {name: values.tolist() for name, values in stages.items()}}


@torch.no_grad()
def layers(n_layers: int, seed: int) -> Data:
    """The last token's vector after the embeddings and after each block, and how far each block moved it.

    Returns ``rows`` (L + 1, 16) and ``changes`` (L): the length of the change as a share of the vector's own.
    """
    gpt = build(replace(TINY, n_layers=n_layers), RunConfig(seed=seed))
    x = _embedded(gpt.token_embedding, gpt.position_embedding)
    rows = [x[0, -1]]
    for block in gpt.blocks:
        x = block(x)
        rows.append(x[0, -1])
    changes = [(after - before).norm() / before.norm() for before, after in pairwise(rows)]
    return {"rows": [row.tolist() for row in rows], "changes": [change.item() for change in changes]}


@torch.no_grad()
def heads(n_heads: int, seed: int) -> Data:
    """What each of 8 tokens looks at in the first layer, head by head.

    Returns ``patterns`` (N, 8, 8): row i has the shares of attention that token i gives to tokens 0 to i.
    """
    gpt = build(replace(TINY, n_heads=n_heads), RunConfig(seed=seed))
    block = gpt.get_submodule("blocks.0")
    x = _embedded(gpt.token_embedding, gpt.position_embedding)
    normed = block.get_submodule("attention_norm")(x)
    attention = block.get_submodule("attention")
    assert isinstance(attention, CausalSelfAttention)
    return {"patterns": attention.weights(normed)[0].tolist()}


def dropout(rate: float, step: int) -> Data:
    """24 values before and after dropout in one training step, and their average over 1,000 steps.

    Returns ``before``, ``after``, ``average`` (24 each) and ``at_inference``, which is ``before`` unchanged.
    """
    torch.manual_seed(0)
    values = torch.rand(DROPOUT_VALUES)
    layer = nn.Dropout(rate)
    torch.manual_seed(step)
    after = layer(values)
    average = layer(values.expand(DROPOUT_DRAWS, -1)).mean(dim=0)
    at_inference = layer.eval()(values)
    shown = {"before": values, "after": after, "average": average, "at_inference": at_inference}
    return {name: tensor.tolist() for name, tensor in shown.items()}


@torch.no_grad()
def bias(seed: int) -> Data:
    """Query, key and value of one token without and with a bias.

    A fresh bias is zero and would show nothing; here it is drawn at random, as if trained.
    Returns ``without`` and ``with_bias``, 24 values each: 8 of the query, 8 of the key, 8 of the value.
    """
    torch.manual_seed(seed)
    qkv = Linear(BIAS_WIDTH, 3 * BIAS_WIDTH, bias=True)
    qkv.bias.normal_(std=qkv.std)
    x = torch.randn(BIAS_WIDTH)
    return {"without": nn.functional.linear(x, qkv.weight).tolist(), "with_bias": qkv(x).tolist()}


def _histogram(values: Tensor) -> Data:
    """How many values lie in each of 41 bins, by the middles of the bins."""
    heights = torch.histc(values, HISTOGRAM_BINS, -HISTOGRAM_EDGE, HISTOGRAM_EDGE)
    outermost = HISTOGRAM_EDGE * (1 - 1 / HISTOGRAM_BINS)
    return {"middles": torch.linspace(-outermost, outermost, HISTOGRAM_BINS).tolist(), "heights": heights.tolist()}


def _embedded(token_embedding: Embedding, position_embedding: Embedding) -> Tensor:
    """Eight different tokens at the first eight positions: (1, 8, D)."""
    places = torch.arange(TOKENS)
    return token_embedding(places.unsqueeze(0)) + position_embedding(places)  # type: ignore[no-any-return]
