"""Settings that all tests share."""

import os

from hypothesis import Phase, settings

settings.register_profile("default", deadline=None, max_examples=15, print_blob=True)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.register_profile(  # for mutation.py: the verdict is wanted, not the smallest example
    "mutation",
    settings.get_profile("ci"),
    database=None,
    phases=[Phase.generate],
    max_examples=12,
    print_blob=False,
)
settings.load_profile("ci" if os.environ.get("CI") else "default")
