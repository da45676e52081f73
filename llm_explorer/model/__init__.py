"""A GPT in PyTorch, in the order in which the numbers flow.

    tokens -> token_embedding + position_embedding -> blocks x L -> final_norm -> head -> logits     gpt.py
    block:    x + attention(attention_norm(x)), then x + mlp(mlp_norm(x))                            blocks.py
    inside:   attention.py, positions.py, mlp.py, experts.py, norms.py; their matrices in layers.py

A config of defaults is GPT-2; each further choice is a small module that a constructor picks once.

Letters in the shape comments: B batch, T sequence, S positions seen with a cache, V vocabulary, D model width,
L layers, N heads, K heads of keys and values, H head width, R rotated width of a head, F feed-forward width,
C context length, E experts, k active ones.

Sources: GPT-2 (Radford et al. 2019, section 2.3) and its published code, https://github.com/openai/gpt-2; the others
at their modules.
"""

from llm_explorer.model.attention import CausalSelfAttention as CausalSelfAttention
from llm_explorer.model.attention import LayerCache as LayerCache
from llm_explorer.model.attention import materialized_attention as materialized_attention
from llm_explorer.model.blocks import Block as Block
from llm_explorer.model.experts import Experts as Experts
from llm_explorer.model.experts import MixtureOfExperts as MixtureOfExperts
from llm_explorer.model.gpt import GPT as GPT
from llm_explorer.model.gpt import build as build
from llm_explorer.model.layers import Embedding as Embedding
from llm_explorer.model.layers import Linear as Linear
from llm_explorer.model.layers import residual_std as residual_std
from llm_explorer.model.mlp import MLP as MLP
from llm_explorer.model.mlp import GatedMLP as GatedMLP
