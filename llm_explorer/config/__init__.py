"""What is asked for: the model and the run, frozen and never invalid.

Field names of ModelConfig are those of the book "Build a Large Language Model (From Scratch)", so that its dict
loads as it stands. Letters used in formulas everywhere: B batch, T sequence, V vocabulary, D model width, L layers,
N heads, K heads of keys and values, H head width, F feed-forward width, C context length, E experts, k active ones.
"""

from llm_explorer.config.base import field_range as field_range
from llm_explorer.config.base import replace as replace
from llm_explorer.config.model import Activation as Activation
from llm_explorer.config.model import ModelConfig as ModelConfig
from llm_explorer.config.model import Norm as Norm
from llm_explorer.config.model import NormPlace as NormPlace
from llm_explorer.config.model import Positions as Positions
from llm_explorer.config.model import QkNorm as QkNorm
from llm_explorer.config.model import Residual as Residual
from llm_explorer.config.problems import ConfigError as ConfigError
from llm_explorer.config.problems import Problem as Problem
from llm_explorer.config.run import DEFAULT_SEQUENCE as DEFAULT_SEQUENCE
from llm_explorer.config.run import HEAD_ROWS_AT_ONCE as HEAD_ROWS_AT_ONCE
from llm_explorer.config.run import Attention as Attention
from llm_explorer.config.run import Bf16Products as Bf16Products
from llm_explorer.config.run import Precision as Precision
from llm_explorer.config.run import RunConfig as RunConfig
from llm_explorer.config.run import check as check
from llm_explorer.config.run import choices as choices
from llm_explorer.config.run import logits_row as logits_row
