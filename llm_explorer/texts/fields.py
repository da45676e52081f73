"""What each field is called and what it does, in one sentence."""

from typing import Final, NamedTuple


class FieldText(NamedTuple):
    """A label, an explanation, and what its slider teaches."""

    label: str
    help: str
    lesson: str = ""


FIELDS: Final = {
    "vocab_size": FieldText(
        "Vocab size (V)",
        "How many different tokens the model knows. Each has a row in the token embedding and one in the output head.",
        "every token has a vector going in and one coming out",
    ),
    "context_length": FieldText(
        "Context length (C)",
        "The most tokens the model sees at once. Each position has a learned vector.",
        "only the position embedding grows; what a step costs goes by the sequence length",
    ),
    "emb_dim": FieldText(
        "Embedding dim (D)",
        "The width of the model: the length of each token's vector. Matrices inside the blocks grow with its square.",
        "matrices inside the blocks grow with the square of the width",
    ),
    "n_heads": FieldText(
        "Heads (N)",
        "How many attention patterns a layer has side by side. They share the width, so N must divide D.",
        "heads split the width: they add no parameters",
    ),
    "n_layers": FieldText(
        "Layers (L)",
        "How many blocks follow one another. Each has the same number of parameters.",
        "every layer costs the same",
    ),
    "drop_rate": FieldText(
        "Dropout",
        "The share of values set to zero in training, at random; the rest is scaled by 1/(1-p). Off in inference.",
        "dropout costs no parameters; on a CPU it makes attention slower and keeps more for backward",
    ),
    "hardware": FieldText(
        "Sized for",
        "What the verdict is about: this machine, an accelerator, or a size you type, such as 24GiB.",
    ),
    "precision": FieldText(
        "Precision",
        "Bytes a parameter for weights + gradients + AdamW. float32: 4+4+8. autocast: the same, and bf16 copies of the "
        "weights while they are needed. bfloat16: 2+2+4. bfloat16_master: 2+2+12, with fp32 master weights.",
    ),
    "batch_size": FieldText("Batch (B)", "Sequences in one micro-batch."),
    "sequence_length": FieldText(
        "Sequence (T)", "Tokens of each sequence in the batch. Empty: the context length, but at most 256."
    ),
    "optimizer": FieldText(
        "Optimizer", "AdamW keeps two numbers a parameter, plain SGD none. none: forward and backward only."
    ),
    "accumulation": FieldText(
        "Accumulation",
        "Micro-batches for each optimizer step. From the second on, gradients are alive at the peak of the loss.",
    ),
    "device": FieldText("Run on", "Where the model is really built. meta: counted only, no memory is used."),
    "set": FieldText(
        "Other settings",
        "Any other field as field=value, with spaces between: qkv_bias=true tie_embeddings=true hidden_dim=2048 seed=1",
    ),
    "qkv_bias": FieldText(
        "Query, key and value bias", "Adds 3 D numbers a layer. GPT-2 has it, the book's config not."
    ),
    "tie_embeddings": FieldText(
        "Tied embeddings", "The output head is the token embedding used once more: V D parameters fewer."
    ),
    "bias": FieldText("Output and feed-forward bias", "Biases of the attention projection and of both MLP matrices."),
    "hidden_dim": FieldText(
        "Feed-forward width (F)", "Hidden size: the width inside the feed-forward layer. Empty: 4 D, as in GPT-2."
    ),
    "mlp_bias": FieldText(
        "Feed-forward bias",
        "Biases of the feed-forward matrices, where they differ from the projection's. Experts: none.",
    ),
    "head_bias": FieldText("Head bias", "A number for each word of the vocabulary is added to the logits, as in Phi."),
    "n_kv_heads": FieldText(
        "Key and value heads (K)",
        "N / K heads of queries share each head of keys and values: a KV cache N / K times smaller. Empty: N.",
    ),
    "head_dim": FieldText("Head width (H)", "The width of a head, if it is to be free of D. Empty: D / N."),
    "norm": FieldText(
        "Norm",
        "layernorm: centred, with weight and bias. layernorm_no_bias: weight only. layernorm_plain: neither, as in "
        "OLMo. rmsnorm: not centred, weight only, as in Llama.",
    ),
    "norm_place": FieldText(
        "Place of the norms",
        "pre: before each part, as in GPT-2. post: after it, as in OLMo 2. sandwich: both, Gemma 2.",
    ),
    "residual": FieldText(
        "Residual",
        "sequential: attention, then feed-forward. parallel: both read the same input, as in GPT-NeoX. "
        "parallel_one_norm: and share one norm, as in Phi.",
    ),
    "activation": FieldText(
        "Activation",
        "What bends the values inside the feed-forward layer. swiglu and geglu have a third D x F matrix, whose output "
        "lets the others through.",
    ),
    "positions": FieldText(
        "Positions",
        "learned: a vector a position, C D parameters. rope: queries and keys are rotated, no parameters. none: order "
        "is known from the causal mask only.",
    ),
    "rope_theta": FieldText("RoPE base", "The larger, the slower the slowest rotations: for longer contexts. No cost."),
    "rope_share": FieldText(
        "RoPE share", "The share of each head's values that is rotated: 1 in Llama, 0.25 in Pythia."
    ),
    "qk_norm": FieldText(
        "Query and key norm",
        "head: each head's queries and keys are normalised over H, as in Qwen3. full: over all heads at once, as in "
        "OLMo 2.",
    ),
    "sliding_window": FieldText(
        "Sliding window (W)",
        "A token sees the last W positions only, itself included: the KV cache stops growing there. Empty: all.",
    ),
    "full_attention_every": FieldText(
        "Full attention every", "Every so many layers one has no window: 2 in Gemma 2, 6 in Gemma 3. Empty: none has."
    ),
    "attention_softcap": FieldText(
        "Attention softcap", "Scores are kept within plus and minus this by a tanh, as in Gemma 2. Needs T x T scores."
    ),
    "logit_softcap": FieldText("Logit softcap", "Logits are kept within plus and minus this by a tanh, as in Gemma 2."),
    "n_experts": FieldText(
        "Experts (E)",
        "So many feed-forward layers side by side in each block; a router sends a token to a few of them.",
    ),
    "n_active_experts": FieldText(
        "Active experts (k)", "How many experts a token is sent to: the rest of them costs memory, but no compute."
    ),
    "expert_hidden_dim": FieldText("Expert width", "The width inside one expert. Empty: the feed-forward width F."),
    "n_shared_experts": FieldText(
        "Shared experts (S)", "Experts that every token goes through, beside the routed ones."
    ),
    "attention": FieldText(
        "Attention",
        "sdpa: PyTorch's fused kernel where there is one. materialized: the textbook's, with T x T weights in memory.",
    ),
    "checkpointing": FieldText(
        "Checkpointing", "Keep only each block's input and compute the rest again in backward: less memory, more time."
    ),
    "loss_chunk": FieldText(
        "Loss in chunks of",
        "Token positions whose logits exist at once; their gradients are made with them. Empty: all B T, so that the "
        "logits are often the peak. Same loss, less memory.",
    ),
    "optimizer_implementation": FieldText(
        "Optimizer implementation", "fused: one kernel. foreach: a copy of all parameters for a moment. for_loop: slow."
    ),
    "bf16_products": FieldText(
        "bf16 products",
        "Of a processor without instructions for bf16; on all others it changes nothing. own: the app's, in fp32 piece "
        "by piece. torch: PyTorch's loops, as it comes, up to 90 times as slow.",
    ),
    "threads": FieldText("Threads", "Processor threads of the run. Empty: physical cores - 1, at least 1."),
    "seed": FieldText("Seed", "Weights, batch and dropout are the same for the same seed."),
}
