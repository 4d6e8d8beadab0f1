"""The museum: famous mistakes, each as a changed line of the source.

    described()["sign"]    its title, changes, settings, question and answer, as the page gets them
    texts("sign")          the changed texts by module, for `source.load`

The words are in `exhibits_en.py` and `exhibits_ko.py`. What is measured of an exhibit and of the
right program over five seeds is in `measured.json`, which `benchmarks/lab.py` writes.
"""

import functools
import json
from importlib import import_module
from importlib.resources import files
from typing import Any, NamedTuple

from . import exhibits_en, exhibits_ko
from .source import file_of, text

ALGORITHM, GAMES = "tinygan.gan.algorithm", "tinygan.gan.games"
RULES, PLAYERS = "tinygan.optim.rules", "tinygan.lab.players"
CURVES = "d_loss", "g_loss", "d_real", "d_fake"  # that may betray a mistake
SLOW = "rate_g=1e-3&rate_d=1e-3&beta1=0.5"  # the usual rates and beta1 of GANs on the plane


class Change(NamedTuple):
    """A text that occurs once in a module's file, and what stands there in the exhibit."""

    module: str
    old: str
    new: str


class Mistake(NamedTuple):
    """The changes of an exhibit, its settings, and the rounds after which its symptom shows."""

    changes: tuple[Change, ...]
    query: str = ""
    rounds: int = 2000


KEPT = Change(
    ALGORITHM,
    "    opt.step(grad(loss, opt.parameters))",
    "    old = getattr(opt, 'grads', [0.0] * len(opt.parameters))  # never cleared\n"
    "    opt.grads = [a + b for a, b in zip(old, grad(loss, opt.parameters))]\n"
    "    opt.step(opt.grads)",
)
OPT_G = "    opt_g = make(G.parameters(), settings.rate_g, **options)"
OPT_D = "    opt_d = make(D.parameters(), settings.rate_d, **options)"
BETAS = "    betas = settings.beta1, settings.beta2"
D_LOSS = "        loss = game.d_loss(real_logits, fake_logits)"
MOMENTUM = Change(PLAYERS, BETAS, BETAS.replace("settings.beta1", "0.9"))


def rates(g: str, d: str) -> tuple[Change, Change]:
    """Other learning rates of G and of D."""
    return (
        Change(PLAYERS, OPT_G, OPT_G.replace("settings.rate_g", g)),
        Change(PLAYERS, OPT_D, OPT_D.replace("settings.rate_d", d)),
    )


MISTAKES = {
    "sign": Mistake(
        (
            Change(
                ALGORITHM,
                "loss = game.g_loss(D(G(z)), real_logits)",
                "loss = -game.g_loss(D(G(z)), real_logits)",
            ),
        )
    ),
    "labels-swapped": Mistake(
        (Change(ALGORITHM, D_LOSS, "        loss = game.d_loss(fake_logits, real_logits)"),)
    ),
    "fakes-left-out": Mistake(
        (Change(ALGORITHM, D_LOSS, "        loss = game.real_loss(real_logits).mean()"),)
    ),
    "detach-forgotten": Mistake(
        (
            Change(
                ALGORITHM,
                "        return update(opt_g, loss)",
                "        both = [update(opt, game.g_loss(D(G(z)))) for opt in (opt_d, opt_g)]\n"
                "        return both[1]",
            ),
        )
    ),
    "no-grad-forgotten": Mistake(
        (
            Change(
                ALGORITHM,
                "        with no_grad():  # G is fixed while D learns\n            fake = G(z)",
                "        fake = G(z)",
            ),
        )
    ),
    "gradients-kept": Mistake((KEPT,)),
    "z-drawn-once": Mistake(
        (
            Change(
                ALGORITHM,
                "    # The steps are functions, so that the graph of one is freed before the next"
                " begins.",
                "    noise = lambda m, z=noise(m): z  # z is drawn once, before the loop",
            ),
        ),
        "m=16",
    ),
    "sigmoid-twice": Mistake(
        (
            Change(
                PLAYERS,
                "return nn.Sequential(*layers)",
                "return nn.Sequential(*layers, nn.Sigmoid())",
            ),
        ),
        f"{SLOW}&seed=0",  # the right program has all 8 modes with this seed
    ),
    "saturating": Mistake(
        (
            Change(
                GAMES,
                "non_saturating = replace(minimax, generator_loss=lambda l: softplus(-l))",
                "non_saturating = replace(minimax, generator_loss=lambda l: -softplus(l))",
            ),
        ),
        "optimizer=sgd&rate_g=0.02&rate_d=0.5&k=5",
        500,
    ),
    "batchnorm-mixed": Mistake(
        (
            Change(
                ALGORITHM,
                "    if D.mixes_examples or len(kinds) > 1:",
                "    if len(kinds) > 1:",
            ),
        ),
        f"data=line&batchnorm=D&k=1&{SLOW}",
    ),
    "zero-to-one": Mistake(
        (Change(PLAYERS, "rng=rng, low=-1.0)", "rng=rng, low=0.0)"),), "data=digits", 1500
    ),
    "rates": Mistake(rates("0.05", "0.05")),
    "momentum": Mistake((MOMENTUM,)),
    "d-too-strong": Mistake((Change(PLAYERS, OPT_D, OPT_D.replace("settings.rate_d", "0.1")),)),
    "g-too-strong": Mistake(
        (
            Change(
                ALGORITHM,
                "        g_loss = g_step()",
                "        g_loss = [g_step() for _ in range(10)][-1]",
            ),
        ),
        rounds=1500,
    ),
    "bias-correction": Mistake(
        (Change(RULES, "return lr, 1 - b1**t, 1 - b2**t", "return lr, 1.0, 1.0"),), "beta2=0.9999"
    ),
    "notes-1": Mistake((KEPT, *rates("0.01", "0.01"), MOMENTUM)),
    "notes-2": Mistake((*rates("0.01", "0.01"), MOMENTUM)),
    "notes-3": Mistake((MOMENTUM,)),
    "notes-4": Mistake(()),
}


def texts(name: str) -> dict[str, str]:
    """The texts of the modules that an exhibit changes."""
    changed: dict[str, str] = {}
    for module, old, new in MISTAKES[name].changes:
        changed[module] = changed.get(module, text(module)).replace(old, new)
    return changed


def measured() -> dict[str, Any]:
    """The contents of `measured.json`: the machine, and each exhibit over five seeds."""
    found: dict[str, Any] = json.loads(
        files(__package__).joinpath("measured.json").read_text(encoding="utf-8")
    )
    return found


def summary(runs: dict[str, list[Any]]) -> dict[str, Any]:
    """The means over the seeds, None where a value is missing, and the doctor's diagnoses, each
    with the number of runs that got it."""
    means = {
        name: None if None in values else sum(values) / len(values)
        for name, values in runs.items()
        if name != "diagnoses"
    }
    found = [name for names in runs["diagnoses"] for name in names]
    counts = [f"{name} ({found.count(name)})" for name in dict.fromkeys(found)]
    return means | {"diagnoses": ", ".join(counts) or None}


@functools.cache
def described() -> dict[str, dict[str, Any]]:
    """All exhibits by name, as the page gets them."""
    return {name: _described(name, found) for name, found in measured()["exhibits"].items()}


def _described(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """An exhibit as the page gets it."""
    en, ko = exhibits_en.WORDS[name], exhibits_ko.WORDS[name]
    parts = "title", "question", "answer"
    return {
        "name": name,
        **{part: {"en": en[i], "ko": ko[i]} for i, part in enumerate(parts)},
        "changes": [_located(*change) for change in MISTAKES[name].changes],
        "query": MISTAKES[name].query,
        "rounds": MISTAKES[name].rounds,
        "in_curves": found["in_curves"],
        "measured": {run: summary(found[run]) for run in ("right", "wrong")},
    }


def _located(module: str, old: str, new: str) -> dict[str, Any]:
    """A change with its file and its first line there."""
    import_module(module)
    line = text(module).partition(old)[0].count("\n") + 1
    return {"module": module, "file": file_of(module), "line": line, "old": old, "new": new}
