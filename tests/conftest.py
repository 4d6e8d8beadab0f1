"""Settings that all tests share."""

import os

# The arrays are tiny: threads would only wait for each other. Before NumPy is imported, and for
# the processes that tests start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import Phase, settings

settings.register_profile("default", deadline=None, max_examples=25, print_blob=True)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.register_profile(  # for test_fuzz.py: pytest --hypothesis-profile=fuzz tests/test_fuzz.py
    "fuzz", settings.get_profile("default"), max_examples=250
)
settings.register_profile(  # for mutation.py: the verdict is wanted, not the smallest example
    "mutation",
    settings.get_profile("ci"),
    database=None,
    phases=[Phase.generate],
    max_examples=15,
    print_blob=False,
)
settings.load_profile("ci" if os.environ.get("CI") else "default")
