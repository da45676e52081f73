"""Words of the lesson on the parts of a config.

Numbers in the answers that follow from a config are computed again by a test; the others have their source beside them.
"""

from typing import Final, NamedTuple

from llm_explorer.texts.guess import Guess

TITLE: Final = "What do the numbers in a config mean?"
QUESTION: Final = "Each part of a GPT's config: what it is, how large it is in published models, and what it costs."


class Card(NamedTuple):
    """One part: what it is, and a guess about its size or its cost."""

    title: str
    what: str
    guess: Guess


CARDS: Final = {
    "parameters": Card(
        "Parameters",
        "**Parameters** are the weights and biases: the numbers that training adjusts to make the loss smaller. "
        "Everything else in a config is a choice that people make before training (a *hyperparameter*). "
        "Language models have from millions to over $10^{12}$ parameters.\n\n"
        "A fresh model draws its weights at random; GPT-2 from a bell curve 0.02 wide. Norms start at 1 and biases "
        "at 0.",
        Guess(
            "How many parameters has the largest GPT-3 of 2020?",
            {"175M": "175 million", "17.5B": "17.5 billion", "175B": "175 billion"},
            "175B",
            "175 billion: about 1,400 times GPT-2 small. Switch Transformer passed $10^{12}$ in 2021 (1.6 trillion), "
            "with experts of which each token uses only one in a layer.",  # Fedus et al., arXiv 2101.03961
        ),
    ),
    "vocabulary": Card(
        "Vocabulary size",
        "**Vocabulary size** $V$ is how many different tokens the model knows. A tokenizer cuts text into tokens and "
        "gives each its number, the *id*. Each id has a vector of its own: a row of the token embedding. At the far "
        "end, the output head has a row for each id too.\n\n"
        "GPT-2's 50,257 are 256 single bytes, 50,000 merges of frequent runs of bytes, and one end-of-text token.",
        Guess(
            "One more token in the vocabulary of the book's GPT-2 small (D = 768, not tied): how many more parameters?",
            {"1": "1", "768": "768", "1536": "1,536"},
            "1536",
            "1,536: a row of 768 in the token embedding, and a row of 768 in the output head. OpenAI's GPT-2 ties the "
            "two: there it is 768.",
        ),
    ),
    "context": Card(
        "Context length",
        "**Context length** $C$ is the most tokens the model sees at once: prompt and answer together. It is not the "
        "length of a sentence: training fills the context with running text.\n\n"
        "It costs parameters only where positions are *learned*, as in GPT-2: one vector for each place. Newer models "
        "turn query and key by an angle instead (RoPE), without any parameters.",
        Guess(
            "GPT-2 small with twice the context, 2,048 instead of 1,024: how many more parameters?",
            {"none": "None", "768_each": "About 0.8 million", "double": "Twice as many, +163 million"},
            "768_each",
            "786,432: one more position vector of 768 for each of the 1,024 new places, half a percent of the model. "
            "What long contexts cost is memory and time: the attention pattern grows with the square of the length.",
        ),
    ),
    "embedding": Card(
        "Embedding size",
        "**Embedding size** $D$, the width of the model, is the length of each token's vector, all the way from the "
        "embedding to the last block: hundreds to tens of thousands. Hugging Face calls it `hidden_size` "
        "(GPT-2: `n_embd`).\n\n"
        "A single entry means nothing by itself. What counts is the angles between vectors, and a wide space has room "
        "for many directions that hardly disturb each other.",
        Guess(
            "Twice the width, and the feed-forward layer (4 D) with it: a block then has about how many parameters?",
            {"double": "Twice as many", "four_times": "Four times as many", "eight_times": "Eight times as many"},
            "four_times",
            "Four times: the matrices of a block have D (or 4 D) rows and columns, so they grow with the square: about "
            "$12\\,D^2$ a block. The embeddings only double.",
        ),
    ),
    "hidden": Card(
        "Hidden size",
        "**Hidden size** $F$ is the width *inside* the feed-forward layer of each block: the vector goes up to $F$ "
        "numbers, through the GELU, and down to $D$ again, each token by itself. GPT-2 takes $F = 4\\,D$. "
        "In the config here it is `hidden_dim`; Hugging Face calls it `intermediate_size` (GPT-2: `n_inner`), and "
        "uses `hidden_size` for $D$: mind the mix-up.",
        Guess(
            "In a block of GPT-2, which part has more parameters?",
            {"attention": "Attention", "feed_forward": "The feed-forward layer", "same": "Both the same"},
            "feed_forward",
            "The feed-forward layer: two matrices of D times 4 D make $8\\,D^2$. Attention has $4\\,D^2$: query, key, "
            "value and the projection. Two thirds of each block are feed-forward.",
        ),
    ),
    "layers": Card(
        "Layers",
        "**Layers** $L$, the depth, is how many blocks follow one another: a dozen to over a hundred. All have the "
        "same shape, each has its own weights. A block does not replace a token's vector, it adds to it: what the "
        "picture shows is one vector that every block changes a little.",
        Guess(
            "What share of the parameters of the book's GPT-2 small (163 million) is in its 12 blocks?",
            {"half": "About half", "90%": "About 90%", "nearly_all": "Nearly all"},
            "half",
            "About half, 85 million: the vocabulary's two tables have nearly all of the rest. In GPT-3's largest the "
            "96 blocks are over 99%: blocks grow with the square of the width, tables only with the width.",
        ),
    ),
    "heads": Card(
        "Attention heads",
        "**Attention heads** $N$ is how many attention patterns a layer has side by side: dozens in large models. Each "
        "head works on its own $H = D / N$ entries of the vector, so $N$ must divide $D$.\n\n"
        "A token looks only at itself and at those before it: the upper right triangle is exactly zero (*causal*). "
        "This model is untrained, its patterns are noise: nearly equal shares for all. Training sharpens them.",
        Guess(
            "GPT-2 small with 24 heads instead of 12: how do its parameters change?",
            {"double": "Twice as many in attention", "unchanged": "Not at all", "half": "Half as many in attention"},
            "unchanged",
            "Not at all: the heads split the same width, 24 heads of 32 instead of 12 of 64. What grows is the number "
            "of patterns, each of T times T.",
        ),
    ),
    "dropout": Card(
        "Dropout",
        "**Dropout** $p$: in *training*, each value is set to zero with probability $p$, drawn anew in every step. It "
        "keeps the model from leaning on single values, against overfitting. What is zeroed are values on "
        "their way through the model: neither parameters nor data.\n\n"
        "At inference dropout is off: nothing is zeroed and nothing scaled.",
        Guess(
            "With p = 0.5 about half of the values become zero. What happens to the others?",
            {"unchanged": "They stay as they are", "halved": "They are halved", "doubled": "They are doubled"},
            "doubled",
            "They are doubled: scaled by $1/(1-p)$, so that the average stays the same and inference needs no "
            "correction. Typical are 0 to 0.2; models that see each text about once use 0, such as PaLM in "
            "pre-training.",
            # PaLM: Chowdhery et al. 2022, section 5, "trained without dropout"
        ),
    ),
    "bias": Card(
        "Query-key-value bias",
        "**Query-key-value bias**: attention makes a query, a key and a value of each token's vector by a matrix "
        "product. With `qkv_bias=True` a learned number is added to each of the results: $q = W_q x + b_q$. The same "
        "number is added for every token.\n\n"
        "A fresh bias is zero; in the picture it is drawn at random, as if trained.",
        Guess(
            "How many parameters does qkv_bias=True add to the book's GPT-2 small (D = 768, 12 layers)?",
            {"36": "36", "27648": "27,648", "21M": "21 million"},
            "27648",
            "27,648: 3 times 768 in each of 12 layers, not even 0.02%. GPT-2 has this bias, the book's config leaves "
            "it out, LLaMA has no biases at all, Qwen keeps only this one.",
            # LLaMA: Touvron et al. 2023 (its released weights); Qwen: Bai et al. 2023, section 2.3
        ),
    ),
}
PICTURES: Final = {
    "parameters": "Every matrix entry of a fresh GPT of {count} parameters",
    "vocabulary": "The token embedding: a row for each character",
    "context": "The position embedding: a vector for each of 8 places",
    "embedding": "Two tokens' vectors, {width} numbers each",
    "hidden": "One token in a feed-forward layer: {width} → {hidden} → {width}",
    "layers": "One token's vector after each block",
    "heads": "What each of 8 tokens looks at, first layer",
    "dropout": "24 values before and after dropout, p = {rate}",
    "bias": "Query, key and value of one token",
}
SIGNS: Final = "Blue +: above zero, orange −: below; the stronger, the larger in its row."
UNTRAINED: Final = "Untrained: the numbers are noise."
FAMILIES: Final = {"GPT-2": "GPT-2, 2019", "GPT-3": "GPT-3, 2020", "Book": "Book, 2024"}
OWN: Final = "Your config"
PUBLISHED_TITLE: Final = "{part} in published models"
NOT_STATED: Final = "GPT-3's paper does not state it."

MATRIX_INTRO: Final = (
    "Each knob goes **one step up**, all others stay. Does the cost go up (↑), down (↓), or stay the same (=)? "
    "Mark what you think, at least one knob, then compare. *Parameters*: of the model. *Peak*: the most memory alive "
    "in a training step. *FLOPs*: of a forward and a backward pass over one micro-batch. *Time*: of a whole step."
)
MATRIX_LESSONS: Final = {
    "hidden_dim": "two matrices of every block get wider",
    "batch_size": "more sequences at once: the same parameters, more of everything that flows through them",
}
MATRIX_HELD: Final = (
    "The sequence stays at T = {tokens}. Only matrix products count as FLOPs: a mask or a softmax is not free, it is "
    "left out. Time is measured, never guessed."
)
NOT_MARKED: Final = "not marked"
TIME_WORDS: Final = (
    "Time is unknown until both configs, yours and the one a step up, have been really run on this server."
)
MEASURE: Final = "Measure the time of one step up"
MEASURE_HELP: Final = "Your config and the one a step up are really built and timed, one after the other."

BOOK_CONFIG: Final = """GPT_CONFIG_124M = {
    "vocab_size": 50257,     // Vocabulary size of the BPE tokenizer
    "context_length": 1024,  // Context length
    "emb_dim": 768,          // Embedding dimension
    "n_heads": 12,           // Number of attention heads
    "n_layers": 12,          // Number of layers
    "drop_rate": 0.1,        // Dropout rate: 10%
    "qkv_bias": False        // Query-Key-Value bias
}
"""


class Key(NamedTuple):
    """A key of the dict: what it is, and the name that Hugging Face's GPT-2 config has for it."""

    meaning: str
    hugging_face: str


# names of transformers.GPT2Config, whose attribute map knows hidden_size, num_attention_heads and num_hidden_layers too
KEYS: Final = {
    "vocab_size": Key("$V$, the tokens the model knows", "`vocab_size`"),
    "context_length": Key("$C$, the most tokens at once", "`n_positions`"),
    "emb_dim": Key("$D$, the length of each token's vector", "`n_embd`"),
    "n_heads": Key("$N$, attention patterns a layer; divides $D$", "`n_head`"),
    "n_layers": Key("$L$, blocks one after another", "`n_layer`"),
    "drop_rate": Key("$p$, share of values zeroed in training", "`resid_pdrop`, `embd_pdrop`, `attn_pdrop`"),
    "qkv_bias": Key("bias of query, key and value", "no key: always on"),
}
CONFIG_INTRO: Final = (
    "This is the config of GPT-2 small as the book *Build a Large Language Model (From Scratch)* writes it. Edit it: "
    "Python or JSON, with comments; it is read, never run."
)
CONFIG_GUESS: Final = Guess(
    "It is called 124M. How many parameters does the model of exactly these seven keys have?",
    {"124M": "124 million", "163M": "163 million", "117M": "117 million"},
    "163M",
    "163,009,536. The 124 million are those of OpenAI's model, whose output head is tied: it is the token embedding "
    "used once more. The book's model has a head of its own, 50,257 times 768 more. (117 million is what the paper of "
    "2019 printed by mistake.)",
)
CONFIG_KEYWORD: Final = "Other keys may stand in it too: tie_embeddings, hidden_dim, bias, and those of the run."

JOURNEY_INTRO: Final = (
    "A text becomes ids, each id a vector, each block adds to the vectors, the head turns the last of them into one "
    "score for each token of the vocabulary (*logits*), and softmax makes probabilities of those."
)
JOURNEY_GUESS: Final = Guess(
    "An untrained GPT knows 256 tokens. How likely does it find each of them as the next one, about?",
    {
        "equal": "All about 1/256",
        "right_half": "The right one about 1/2",
        "one_at_random": "One of them nearly 1, at random",
    },
    "equal",
    "All about 1/256 = 0.39%: its weights are small random numbers, so all scores are near zero. Training starts at a "
    "loss of about $\\ln V$ ($\\ln 256 = 5.5$) for that reason.",
)
JOURNEY_NOISE: Final = (
    "A tiny GPT that reads bytes (2 layers, 16 wide, 256 tokens), untrained: its vectors and probabilities are noise. "
    "The shapes are what matters here."
)
JOURNEY_SHAPES: Final = (
    "Shapes in your config, from its real forward pass on PyTorch's meta device, which needs no memory"
)
# module of the model -> what happens there, shape in letters; B = 1 here
JOURNEY_ROWS: Final = {
    "ids": ("Ids", "B, T"),
    "token_embedding": ("Token embedding: a row for each id", "B, T, D"),
    "position_embedding": ("Position embedding, added", "T, D"),
    "blocks.0.attention.qkv": ("In each block: query, key and value", "B, T, 3 D"),
    "attention pattern": ("In each block: who looks at whom", "B, N, T, T"),
    "blocks.0.attention": ("In each block: attention, added", "B, T, D"),
    "blocks.0.mlp.up": ("In each block: up to the hidden size", "B, T, F"),
    "blocks.0.mlp": ("In each block: feed-forward, added", "B, T, D"),
    "final_norm": ("After all blocks: the final norm", "B, T, D"),
    "head": ("Logits: a score for each token of the vocabulary", "B, T, V"),
}
JOURNEY_QKV: Final = "B, T, (N + 2 K) H"  # where heads have a width of their own, or share keys and values
PRETRAINING: Final = "See a trained one: Pre-training"
EXPLORE: Final = "See it in a real model: Explore"
EXERCISES_INTRO: Final = "Three questions on your own config (the sidebar's). Round as you like: 2% is close enough."
