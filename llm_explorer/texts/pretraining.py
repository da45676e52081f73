"""Words of the lesson on pre-training."""

from typing import Final

from llm_explorer.texts.guess import Guess

TITLE: Final = "Pre-training"
QUESTION: Final = "How does a model learn language from nothing but text?"

TARGETS: Final = (
    "Pre-training is the first and longest phase of making a language model. It gets text, and one task: **guess the "
    "next token**. Nobody labels anything. To guess well, the model must pick up spelling, grammar, style and facts. "
    "Here a token is a single character, so that a small model can learn within a minute."
)
TARGETS_TEXT: Final = "A text to read"
TARGETS_EXAMPLE: Final = "the value of the expression"
TARGETS_GUESS: Final = Guess(
    "The input is “{input}”. What are its targets, one for each position?",
    {"last": "Only the last character", "moved_on": "The text, moved on by one", "same": "The same text"},
    "moved_on",
    "the text moved on by one. Every position is an exercise: after each character, name the next. A sequence of T "
    "tokens gives T of them in one forward pass, because causal attention lets no position look ahead.",
)
TARGETS_CHART: Final = "Probability that each model gave the right next character"
TARGETS_LOSS: Final = (
    "The loss is $-\\ln p$ of the right character, averaged over all positions. For this text: untrained "
    "**{untrained:.2f}** nats, about $\\ln {vocabulary} = {guessing:.2f}$, as blind guessing among {vocabulary} "
    "characters; trained **{trained:.2f}** nats. Training changes the parameters so that this number falls."
)
NOISE: Final = "An untrained model's probabilities and heads are noise: they say nothing about language."

RUN_INTRO: Final = (
    "A recorded run: {parameters} parameters, {steps:,} steps on *{text}* ({characters:,} characters). One tenth of "
    "the text is kept apart: the model never trains on it, and its loss there, the validation loss, tells what it has "
    "learnt beyond what it has read."
)
RUN_GUESS: Final = Guess(
    "Before the first step, what will the loss be? There are {vocabulary} different characters.",
    {"zero": "0", "log_of_vocabulary": "About {guessing:.1f}, which is ln {vocabulary}", "vocabulary": "{vocabulary}"},
    "log_of_vocabulary",
    "about {guessing:.1f}. A new model gives all {vocabulary} characters nearly the same probability, and "
    "$-\\ln(1/{vocabulary}) = \\ln {vocabulary}$. Now drag the step: first it learns which characters are frequent, "
    "then pairs, then words, then how lines are set out.",
)
RUN_READ: Final = (
    "The **gradient norm** is the length of the gradient over all parameters. Above 1 it is cut to 1 (**clipping**), "
    "so that one odd batch cannot throw the model off; here that happens in most steps. The **learning rate** warms "
    "up, because AdamW must first learn how large gradients usually are, then falls along a cosine."
)
STEP: Final = "Step of the run"
UNTRAINED_NOTE: Final = (
    "Step 0: nothing has been learnt. Sample, probabilities and heads are noise; move the step on to see a trained one."
)
SAMPLE: Final = "**It goes on with “{probe}”** (temperature 0.8)"
HEADS: Final = "What each head looks at, in “{probe}”"
HEADS_HOW: Final = (
    "One row and one column a character, from the upper left: the stronger a square, the more the character of its row "
    "takes from the character of its column. Nothing looks ahead."
)
NEXT: Final = "After “{probe}”"
RECORDED: Final = "Recorded: {recorded}, {machine}. Training took {seconds}."

WRITE: Final = (
    "The model gives probabilities; what is written is **drawn** from them. **Temperature** divides the logits before "
    "the softmax: under 1 the likely becomes likelier, over 1 all become more alike. **Top-k** drops all but the k "
    "likeliest."
)
WRITE_PROMPT: Final = "Text to go on with"
WRITE_EXAMPLE: Final = "The s"
WRITE_GUESS: Final = Guess(
    "With top-k = 1, how will three samples, drawn one after the other, differ?",
    {"not_at_all": "Not at all", "a_little": "A little", "as_much": "As much as without top-k"},
    "not_at_all",
    "not at all: with one character to choose from there is nothing to draw. That is greedy decoding; it likes to "
    "repeat itself. Try it below, then a temperature of 2.",
)
SEED: Final = "Seed: another one draws others"
TEMPERATURE: Final = "Temperature"
TOP_K: Final = "Top-k (0 keeps all)"
WHICH_MODEL: Final = "Model"
MODELS: Final = {"recorded": "The recorded model", "trained": "The one you trained"}

DROPOUT: Final = (
    "**Dropout** zeroes a random part of the values in training, here 20%, and scales the rest by 1/(1 - 0.2), so that "
    "their sum stays the same on average. It is off when the model is evaluated or used. Both runs below train on only "
    "{characters:,} characters, which a model of {parameters} parameters can learn by heart."
)
DROPOUT_GUESS: Final = Guess(
    "Which run ends with the lower loss on the text it trains on, and which on the validation part?",
    {
        "without": "Without dropout on both",
        "with": "With dropout on both",
        "one_each": "Training: without; validation: with",
    },
    "one_each",
    "at the end the training loss is **{plain_training:.2f}** without and **{dropped_training:.2f}** with dropout, the "
    "validation loss **{plain_validation:.2f}** without and **{dropped_validation:.2f}** with. Where the training loss "
    "falls while the validation loss rises, the model is learning its text by heart: **overfitting**. Dropout slows "
    "that down; it does not replace more text.",
)
DROPOUT_BEST: Final = (
    "The lowest validation loss was {plain:.2f} at step {plain_step:,} without dropout and {dropped:.2f} at step "
    "{dropped_step:,} with it. Stopping there is called early stopping."
)

TUNING: Final = (
    "**Fine-tuning** is the same training, going on from a trained model with another, smaller text. Here the model "
    "that has read {old} goes on with *{text}* for {steps:,} steps, with the same loss and a lower learning rate."
)
TUNING_GUESS: Final = Guess(
    "While the loss on the new text falls, what happens to the loss on the old one?",
    {"falls": "It falls too", "stays": "It stays", "rises": "It rises"},
    "rises",
    "it rises: from **{old_first:.2f}** to **{old_last:.2f}**, while the new text went from **{new_first:.2f}** to "
    "**{new_last:.2f}**. The parameters are the same ones; nothing keeps what the new text has no use for. That is "
    "**forgetting**. A lower learning rate, fewer steps, or some old text mixed in keep more of it.",
)
TUNING_UNKNOWN: Final = (
    "� is the token *unknown*: the new text has characters that the vocabulary, made from the old text, lacks. A "
    "tokenizer cannot be changed after pre-training without new embeddings."
)

OWN: Final = (
    "Train one yourself. Runs wait in the server's queue, one at a time on this machine; who asks for the same run "
    "watches the same run. Leave the page open: a run that nobody watches is ended."
)
OWN_TEXT: Final = "Text"
PASTE: Final = "Paste a text"
PASTE_LABEL: Final = "Your text, 2,000 characters to {most}"
PASTE_HELP: Final = "It stays on this server until your visit ends, and is used for nothing else."
OWN_MODEL: Final = "Model"
OWN_MODELS: Final = {"class": "Class 0.1 M", "config": "Your config"}
SHRUNK: Final = (
    "Your config is shrunk to learn within a minute: {layers} of {all_layers} layers, width {width} of {all_width}, "
    "{heads} of {all_heads} heads, context {context:,} of {all_context:,}, one token a character. Flags are kept."
)
NOT_SHRUNK: Final = "Your config is small enough: only its vocabulary is replaced by the characters of the text."
OWN_STEPS: Final = "Steps"
OWN_RATE: Final = "Peak learning rate"
OWN_RATE_HELP: Final = "Raise it until training breaks: the loss jumps, or stays where blind guessing is."
OWN_DROPOUT: Final = "Dropout"
OWN_TUNE: Final = "Fine-tune the model you trained"
OWN_TUNE_HELP: Final = "Go on from its weights on the text chosen here; the loss on its old text is watched too."
PAUSED: Final = "Paused at step {step:,} of {steps:,}; the machine is free for others."
_UNKEPT: Final = "the run went on without keeping its state, so there is nothing to download or to train further."
DISK_FULL: Final = f"The disk is full: {_UNKEPT}"
NOT_WRITTEN: Final = f"Its files could not be written: {_UNKEPT}"
GOES_ON: Final = "You asked for another run meanwhile; this one goes on for others who asked for the same."
ENDED: Final = {
    "cancelled": "Ended:",
    "refused": "Not started:",
    "timeout": "Ended:",
    "failed": "Failed:",
    "out_of_memory": "Out of memory:",
}
FINISHED: Final = "Really trained here: {steps:,} steps in {seconds}."
DOWNLOAD_HELP: Final = (
    "safetensors.torch.load_model(GPT(config), file) puts it into llm_explorer.GPT; the characters of its vocabulary "
    "are in the file's metadata."
)
DATA: Final = "The numbers"
EXERCISES: Final = "Three exercises on the config on the left. Units are accepted, and 2% is close enough."
EXPLORE_LINK: Final = "What would it cost to train your config?"
BACKPROP_LINK: Final = "What happens in one step: backpropagation"
CONCEPTS_LINK: Final = "What the fields of a config mean"
