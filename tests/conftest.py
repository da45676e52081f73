"""How hypothesis searches: the same examples every time in CI, fresh ones on a desk."""

import os

from hypothesis import settings

settings.register_profile("desk", deadline=None, max_examples=40)
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True, print_blob=True)
settings.load_profile("ci" if "CI" in os.environ else "desk")
