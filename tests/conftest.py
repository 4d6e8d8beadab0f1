"""Settings that all tests share: one thread of BLAS for each process, and the hypothesis profiles.

`pytest` runs the `quick` profile. `pytest --hypothesis-profile=deep` runs more examples, as
`.ci/run` does. No test is skipped in the quick profile. What moves to the deep profile is the
examples beyond the first in each property test:

    examples of a property test                                     quick   deep   fuzz
    by default (ops, layers, losses, games, optimizers, metrics)       10     25    250
    test_fuzz.py: a changed file, any bytes, any options               40    200  2,000
    test_fuzz.py: a checkpoint with any meta                           20     50    500

A test with a number of its own has it in every profile: 2 to 6 for gradients on devices, dtypes and
memory, 150 for damaged files in test_data_*.py. An @example is tried in every profile.
"""

import os

# The arrays are tiny: threads would only wait for each other. Before NumPy is imported, and for
# the processes that tests start. The workers of pytest-xdist share the cores already.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
else:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import Phase, settings

pytest_plugins = ["lab_browser", "lab_code", "lab_requests"]  # fixtures of test_lab_*.py

settings.register_profile(
    "quick",
    deadline=None,
    max_examples=10,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
)
settings.register_profile("deep", settings.get_profile("quick"), max_examples=25)
settings.register_profile(  # for test_fuzz.py: pytest --hypothesis-profile=fuzz tests/test_fuzz.py
    "fuzz", settings.get_profile("quick"), max_examples=250, derandomize=False
)
settings.register_profile(  # for mutation.py: the verdict is wanted, not the smallest example
    "mutation",
    settings.get_profile("quick"),
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    max_examples=15,
    print_blob=False,
)
settings.load_profile("quick")


def _narrow_2014():
    """The model mlp-2014 at a tenth of its width: the same layers, streams and parts of a
    checkpoint. For tests that compare the bits of runs."""
    from tinygan import models

    wide = models.MODELS["mlp-2014"]

    def narrow(shape, *, rng, width=1):
        return wide(shape, rng=rng, width=width / 10)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.MODELS, "mlp-2014", narrow)
        yield


narrow_2014 = pytest.fixture(_narrow_2014)
narrow_2014_of_module = pytest.fixture(_narrow_2014, scope="module")
