"""Words of the Parameters page."""

from typing import Final, Literal

TITLE: Final = "Where are the parameters?"
QUESTION: Final = "Which tensors is a model made of, how large is each, and what does a batch become on its way?"

SENTENCE: Final = (
    "**{total} parameters** in {tensors} tensors, {share} of them in the {layers} blocks; the largest part is the "
    "{largest} with {largest_share}."
)
TOTAL: Final = "Parameters"
TOTAL_HELP: Final = "Every weight and bias that training adjusts. A tied head is the token embedding: counted once."
ACTIVE: Final = "Active for a token"
ACTIVE_HELP: Final = (
    "What one token is multiplied with: of E experts only the k that it is sent to and the shared ones. Embeddings "
    "count in full, as in Mixtral's 12.9 B active of 46.7 B. Without experts it is all."
)
ALL_ACTIVE: Final = "all: no experts"
OF_TOTAL: Final = "{share} of all: {active} of {experts} experts"
TIED: Final = "With a tied head"
UNTIED: Final = "With a head of its own"
TIES_HELP: Final = "The other way round: the head has V D weights, or it is the token embedding used once more."
TIED_CHANGE: Final = "{change} against now"
REST: Final = "Without embeddings"
REST_HELP: Final = "Blocks and norms only: without token and position embeddings and the head (Pythia's convention)."

TREE: Final = "Module by module"
TREE_HELP: Final = (
    "Each area is as large as its share of the parameters; a click on a module shows only what is in it, a click on "
    "the way above leads back."
)
TREE_ALT: Final = "Areas: {title} by module. {parts}."
LOOK: Final = "Drawn as"
LOOKS: Final[dict[Literal["icicle", "treemap"], str]] = {"icicle": "Icicle", "treemap": "Treemap"}
TENSORS: Final = "Every tensor: shape, formula, count"
TIED_NOTE: Final = "The head is the token embedding once more: it counts nothing here."
LETTERS: Final = (
    "$V$ vocabulary, $C$ context, $D$ width, $L$ layers, $N$ heads of queries, $K$ of keys and values, $H$ width of a "
    "head, $F$ width inside the feed-forward layer or one expert, $E$ experts, $k$ active ones, $S$ shared ones."
)
NUMBERS: Final = "The same as a table to download"

FLOW: Final = "The way of a batch"
FLOW_HELP: Final = "Every tensor of a forward pass with its shape, and its bytes in the precision of the run."
FLOW_WHERE: Final = "B = {batch}, T = {sequence}, {precision}."
IN_BLOCK: Final = "each of the {layers} blocks"
NEVER_WHOLE: Final = "never whole"
NEVER_WHOLE_NOTE: Final = "Never whole: a fused kernel makes and uses the weights piece by piece."
BALANCED_NOTE: Final = "Each token goes to {active} of {experts} experts: B T k copies, told for all experts together."
DRAWING: Final = "One block in full"
DRAWING_HELP: Final = (
    "Drawn from the config. The line on the left is the residual stream: each part reads from it and adds to it."
)
DRAWING_ALT: Final = "Diagram of the model: {words}."

STEPS: Final = {
    "ids": "token ids",
    "token_embedding": "token embedding",
    "position_embedding": "position embedding",
    "attention_norm": "norm before attention",
    "qkv": "queries, keys, values in one",
    "queries": "queries",
    "keys": "keys",
    "values": "values",
    "weights": "attention weights",
    "mixed": "heads joined",
    "projection": "projection",
    "attention_post_norm": "norm after attention",
    "after_attention": "x + attention",
    "mlp_norm": "norm before feed-forward",
    "gate": "gate",
    "up": "up",
    "activated": "after the activation",
    "down": "down",
    "router": "scores of the router",
    "sorted": "tokens, sorted by expert",
    "expert_gate": "gate of the experts",
    "expert_up": "up of the experts",
    "expert_down": "down of the experts",
    "shared": "up of the shared experts",
    "mlp": "experts added up",
    "mlp_post_norm": "norm after feed-forward",
    "block": "x of the next block",
    "final_norm": "final norm",
    "logits": "logits",
}
