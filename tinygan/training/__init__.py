"""Training runs: configuration, state, run folder, checkpoints, resume and verification.

from tinygan.training import Config, train
train(Config(model="mlp-mid", steps=2000), "runs/mine")
"""

from ..errors import Interrupted
from .config import Config
from .loop import resume, train
from .run_folder import RunFolder
from .sampling import Sampler
from .session import Session
from .verification import Verdict, verify

__all__ = [
    "Config",
    "Interrupted",
    "RunFolder",
    "Sampler",
    "Session",
    "Verdict",
    "resume",
    "train",
    "verify",
]
