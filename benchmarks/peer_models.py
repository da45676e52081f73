"""The models that ours is timed beside: the same shapes, activation and weights, each as its package writes it."""

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from llm_explorer.config import ModelConfig

Weights = Mapping[str, Tensor]


class Peer(NamedTuple):
    """A package's model: what it needs, how it is made, and which name of it each part of ours has.

    ``same_function`` is whether it gives the same logits from the same weights.
    """

    package: str
    make: Callable[[ModelConfig], nn.Module]
    names: Mapping[str, str]
    head: tuple[str, str]  # the head and the embedding it is tied to
    same_function: bool = True

    @property
    def is_installed(self) -> bool:
        """Whether its package is there."""
        return find_spec(self.package) is not None

    def build(self, model: ModelConfig, ours: Weights) -> nn.Module:
        """The model with the weights of ours, in their dtype, its head tied."""
        dtype = ours["final_norm.weight"].dtype
        peer = self.make(model).to(dtype)
        head, embedding = map(peer.get_submodule, self.head)
        head.weight = embedding.weight
        found = peer.load_state_dict(dict(self._translated(ours, peer.state_dict())), strict=False)
        assert not found.unexpected_keys, found.unexpected_keys
        assert all(name.endswith("mask") for name in found.missing_keys), found.missing_keys
        return peer

    def _translated(self, ours: Weights, theirs: Weights) -> Iterator[tuple[str, Tensor]]:
        for name, weight in ours.items():
            if name.startswith("position_embedding") and not self.same_function:
                continue
            new = name
            for part, other in self.names.items():
                new = new.replace(part, other)
            if "att.W_query" in new:  # the book has three matrices where the others have one
                for each, third in zip(("query", "key", "value"), weight.chunk(3), strict=True):
                    yield new.replace("query", each), third
            else:  # GPT-2's own code has its matrices the other way round
                yield new, weight if theirs[new].shape == weight.shape and "c_proj.w" not in new else weight.T


def _gpt2(attention: str) -> Callable[[ModelConfig], nn.Module]:
    def make(model: ModelConfig) -> nn.Module:
        from transformers import GPT2Config, GPT2LMHeadModel

        kernel: dict[str, Any] = {"attn_implementation": attention}
        config = GPT2Config(
            vocab_size=model.vocab_size,
            n_positions=model.context_length,
            n_embd=model.emb_dim,
            n_layer=model.n_layers,
            n_head=model.n_heads,
            activation_function="gelu_pytorch_tanh",  # the kernel; its default computes the same in six operations
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            use_cache=False,
            **kernel,
        )
        return GPT2LMHeadModel(config)

    return make


def _book(model: ModelConfig) -> nn.Module:
    from llms_from_scratch.ch04 import GPTModel

    made: nn.Module = GPTModel(model.model_dump())  # its dict is where our names come from
    return made


def _litgpt(model: ModelConfig) -> nn.Module:
    import litgpt

    config = litgpt.Config(
        name="peer",
        block_size=model.context_length,
        vocab_size=model.vocab_size,
        padded_vocab_size=model.vocab_size,
        n_layer=model.n_layers,
        n_head=model.n_heads,
        n_embd=model.emb_dim,
        intermediate_size=model.feed_forward_dim,
        norm_class_name="LayerNorm",
        mlp_class_name="GptNeoxMLP",
        gelu_approximate="tanh",
        parallel_residual=False,
        rotary_percentage=1.0,
        bias=True,
    )
    made: nn.Module = litgpt.GPT(config)
    return made


_GPT2_NAMES: Final = {
    "token_embedding": "transformer.wte",
    "position_embedding": "transformer.wpe",
    "blocks.": "transformer.h.",
    "attention_norm": "ln_1",
    "attention.qkv": "attn.c_attn",
    "attention.projection": "attn.c_proj",
    "mlp_norm": "ln_2",
    "mlp.up": "mlp.c_fc",
    "mlp.down": "mlp.c_proj",
    "final_norm": "transformer.ln_f",
    "head": "lm_head",
}
_BOOK_NAMES: Final = {
    "token_embedding": "tok_emb",
    "position_embedding": "pos_emb",
    "blocks.": "trf_blocks.",
    "attention_norm.weight": "norm1.scale",
    "attention_norm.bias": "norm1.shift",
    "mlp_norm.weight": "norm2.scale",
    "mlp_norm.bias": "norm2.shift",
    "final_norm.weight": "final_norm.scale",
    "final_norm.bias": "final_norm.shift",
    "attention.qkv": "att.W_query",
    "attention.projection": "att.out_proj",
    "mlp.up": "ff.layers.0",
    "mlp.down": "ff.layers.2",
    "head": "out_head",
}
_LITGPT_NAMES: Final = {
    "token_embedding": "transformer.wte",
    "blocks.": "transformer.h.",
    "attention_norm": "norm_1",
    "attention.qkv": "attn.qkv",
    "attention.projection": "attn.proj",
    "mlp_norm": "norm_2",
    "mlp.up": "mlp.fc",
    "mlp.down": "mlp.proj",
    "final_norm": "transformer.ln_f",
    "head": "lm_head",
}
_LM_HEAD: Final = ("lm_head", "transformer.wte")

PEERS: Final = {
    "transformers sdpa": Peer("transformers", _gpt2("sdpa"), _GPT2_NAMES, _LM_HEAD),
    "transformers eager": Peer("transformers", _gpt2("eager"), _GPT2_NAMES, _LM_HEAD),
    "llms-from-scratch": Peer("llms_from_scratch", _book, _BOOK_NAMES, ("out_head", "tok_emb")),
    "litgpt": Peer("litgpt", _litgpt, _LITGPT_NAMES, _LM_HEAD, same_function=False),
}


def logits_of(output: Any) -> Tensor:
    """transformers wraps its logits, the others give them."""
    return output if isinstance(output, torch.Tensor) else output.logits
