"""The computation behind the teaching pages: pure functions (inputs, seed, step) -> plain data, run in a worker.

One module a lesson. Its public functions take and return only what JSON can hold; a ValueError is a sentence for the
learner. This package itself imports no torch, so that the server may look at its files.
"""
