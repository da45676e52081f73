"""Names of the categories of memory, and of the parts of a model whose code makes a tensor."""

from typing import Final

WEIGHTS: Final = "parameters"
GRADIENTS: Final = "gradients"
OPTIMIZER: Final = "optimizer state"
ACTIVATIONS: Final = "activations"
TEMPORARY: Final = "temporary"
BATCH: Final = "batch"
CATEGORIES: Final = (WEIGHTS, GRADIENTS, OPTIMIZER, ACTIVATIONS, TEMPORARY, BATCH)

# the part of the model whose code makes a tensor
EMBEDDINGS: Final = "embeddings"
NORMS: Final = "norms"
ATTENTION: Final = "attention"
FEED_FORWARD: Final = "feed-forward"
RESIDUAL: Final = "residual stream"
HEAD: Final = "head"
LOSS: Final = "loss"
RANDOM_STATES: Final = "random states"
UPDATE: Final = "optimizer"
PARTS: Final = (EMBEDDINGS, NORMS, ATTENTION, FEED_FORWARD, RESIDUAL, HEAD, LOSS, RANDOM_STATES, UPDATE)
