"""The whole model: embeddings, blocks, head; and making it for a run."""
# mypy: disable-error-code=no-any-return
# (torch types the result of calling a module as Any)

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from llm_explorer.config import Attention, ModelConfig, RunConfig
from llm_explorer.loss import chunked_cross_entropy
from llm_explorer.model.attention import LayerCache, softcapped
from llm_explorer.model.blocks import make_block
from llm_explorer.model.layers import Embedding, Linear
from llm_explorer.model.norms import make_norm
from llm_explorer.model.positions import Places, make_places


class GPT(nn.Module):
    """A GPT, made on torch's current default device and in its default dtype.

    ``checkpointing`` keeps only each block's input for backward and runs the block a second time there.

    >>> with torch.device("meta"):  # counted without memory
    ...     sum(p.numel() for p in GPT(ModelConfig()).parameters())
    163009536
    """

    def __init__(self, config: ModelConfig, *, attention: Attention = "sdpa", checkpointing: bool = False) -> None:
        super().__init__()
        self.config, self.checkpointing = config, checkpointing
        self.token_embedding = Embedding(config.vocab_size, config.emb_dim)
        if config.positions == "learned":
            self.position_embedding = Embedding(config.context_length, config.emb_dim)
        self.dropout = nn.Dropout(config.drop_rate)
        self.blocks = nn.ModuleList(make_block(config, attention, layer) for layer in range(config.n_layers))
        self.final_norm = make_norm(config)
        # a tied head borrows its weights: made on meta, it has none of its own, not even for a moment
        device = "meta" if config.tie_embeddings else None
        self.head = Linear(config.emb_dim, config.vocab_size, bias=False, device=device)
        if config.tie_embeddings:
            self.head.weight = self.token_embedding.weight
        if config.head_bias:
            self.head.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def new_cache(self, capacity: int | None = None) -> list[LayerCache]:
        """An empty cache for ``forward``, of C positions unless told: each call goes on where the one before ended."""
        return [LayerCache(capacity or self.config.context_length) for _ in self.blocks]

    def forward(self, tokens: Tensor, cache: list[LayerCache] | None = None) -> Tensor:
        """Logits (B, T, V) of the token after each of ``tokens`` (B, T) int64; ValueError when they pass C."""
        return softcapped(self.head(self.hidden(tokens, cache)), self.config.logit_softcap)

    def hidden(self, tokens: Tensor, cache: list[LayerCache] | None = None) -> Tensor:
        """What the head makes logits of (B, T, D): the output of the final norm; ValueError when they pass C."""
        start = cache[0].length if cache else 0
        length, context = start + tokens.shape[1], self.config.context_length
        if length > context:
            raise ValueError(
                f"a sequence of {length} tokens is longer than context_length={context}: "
                f"pass at most {context} tokens, or build the model with a longer context"
            )
        x = self.dropout(self.embedded(tokens, start))  # (B, T, D)
        places = self.places(x, start)
        for number, block in enumerate(self.blocks):
            if self.checkpointing and cache is None:
                x = checkpoint(block, x, None, places, use_reentrant=False)
            else:
                x = block(x, cache[number] if cache else None, places)
        return self.final_norm(x)

    def embedded(self, tokens: Tensor, start: int = 0) -> Tensor:
        """The vectors of tokens (B, T) and, where positions are learned, of theirs from ``start`` on: (B, T, D)."""
        if self.config.positions != "learned":
            return self.token_embedding(tokens)
        positions = torch.arange(start, start + tokens.shape[1], device=tokens.device)  # (T,)
        return self.token_embedding(tokens) + self.position_embedding(positions)

    def places(self, x: Tensor, start: int = 0) -> Places:
        """What all blocks are told of the T positions of ``x`` (B, T, D) after ``start`` others."""
        return make_places(self.config, x, start)

    def loss(self, tokens: Tensor, targets: Tensor, chunk: int | None = None) -> Tensor:
        """Mean cross-entropy () in nats of ``targets`` (B, T) int64, in the dtype of the logits.

        With a ``chunk`` the logits of that many token positions exist at once, not those of all B T.
        """
        targets = targets.flatten()  # (B, T) -> (BT,)
        if chunk is None:
            return F.cross_entropy(self(tokens).flatten(0, 1), targets)  # (B, T, V) -> (BT, V)
        # no name for the hidden states: under autocast they die as soon as their bf16 copy is there
        return chunked_cross_entropy(
            self.hidden(tokens).flatten(0, 1),  # (B, T, D) -> (BT, D)
            self.head.weight,
            targets,
            chunk,
            bias=self.head.bias,
            softcap=self.config.logit_softcap,
        )


def build(model: ModelConfig, run: RunConfig) -> GPT:
    """The GPT on the run's device in the run's precision, its weights made there in that dtype at once.

    Both bfloat16 recipes hold bf16 weights, float32 and autocast fp32 ones. Seeds torch's global generators with
    ``run.seed``, so that the weights and then dropout are the same each time.
    """
    torch.manual_seed(run.seed)
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if run.precision in ("bfloat16", "bfloat16_master") else torch.float32)
    try:
        with torch.device(run.device):
            return GPT(model, attention=run.attention, checkpointing=run.checkpointing)
    finally:
        torch.set_default_dtype(usual)
