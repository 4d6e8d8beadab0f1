"""The figure of the experiment `theory`: one panel for each claim, with its equation as title.

Dots and solid lines are results. Thin dashed black lines are closed forms.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...gan.theory import DIVERGENCES, SHIFTED_NORMALS, normal_density, optimal_discriminator
from ...storage import save_figure
from ..results import SeedResults

Curves = Mapping[str, Any]
CLOSED = {"color": "black", "linestyle": "--", "linewidth": 0.9}


def draw(path: Path, outcomes: Sequence[SeedResults]) -> None:
    """Draw the panels from the results of the last seed; only trained curves depend on the seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 12), layout="constrained")
    curves = {name: np.asarray(column) for name, column in outcomes[-1].curves.items()}
    panels = (_trained, _criterion, _equal, _table, _saturation, _least_squares, _bilinear,
              _asymmetry, _divergences)  # fmt: skip
    for axes, panel in zip(figure.subplots(3, 3).flat, panels, strict=True):
        panel(axes, curves)
        axes.legend(fontsize=8)
        axes.grid(alpha=0.2)
    save_figure(figure, path)


def _named(axes: Any, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _trained(axes: Any, curves: Curves) -> None:
    x = curves["trained.x"]
    p, q = normal_density(x), normal_density(x, 1)
    for density, name in ((p, "p = N(0, 1)"), (q, "q = N(1, 1)")):
        axes.fill_between(x, density, alpha=0.25, label=name)
    axes.plot(x[::2], curves["trained.D"][::2], "o", color="tab:red", markersize=3.5,
              label="a network, trained on samples")  # fmt: skip
    axes.plot(x, optimal_discriminator(p, q), **CLOSED, label="D*, with logit 1/2 - x")
    _named(axes, "$D^* = p\\,/\\,(p + q)$", "x", "D(x)")


def _criterion(axes: Any, curves: Curves) -> None:
    shift = curves["criterion.shift"]
    axes.plot(shift, curves["criterion.C"], color="tab:red", linewidth=2, label="C(G)")
    for t, color in enumerate(("tab:blue", "tab:green", "tab:purple", "tab:brown")):
        V = curves[f"criterion.D{t}"]
        axes.plot(shift, V, color=color, linewidth=1.5, label=f"V of the optimal D for m = {t}")
        axes.plot(t, np.interp(t, shift, V), "o", color=color, markersize=4)
    for value, name in ((-math.log(4), "-log 4"), (0, "0: no overlap")):
        axes.axhline(value, **CLOSED, zorder=1)  # below the V of m = 0, which is -log 4 everywhere
        axes.text(4, value + 0.03, name, ha="right", va="bottom", fontsize=8)
    axes.set_ylim(-2.5, 0.3)
    _named(axes, r"$C(G) = \max_D V(D, G) = -\log 4 + 2\,JSD(p, q)$", "m, for q = N(m, 1)", "nats")


def _equal(axes: Any, curves: Curves) -> None:
    x = curves["trained.x"]
    axes.fill_between(x, normal_density(x), alpha=0.25, label="p = q = N(0, 1)")
    steps = [int(name.split(".")[1]) for name in curves if name.startswith("equal.")]
    for step, depth in zip(steps, np.linspace(0.35, 1, len(steps)), strict=True):
        axes.plot(x, curves[f"equal.{step}"], color="tab:red", alpha=depth,
                  label=f"the same D after {step} more steps")  # fmt: skip
    axes.axhline(0.5, **CLOSED, label="1/2")
    axes.set_ylim(top=1.35)  # room for the legend
    _named(axes, r"$p = q:\quad D^* = 1/2,\quad V = -\log 4$", "x", "D(x)")


def _table(axes: Any, curves: Curves) -> None:
    axes.semilogy(2 * curves["table.jsd"], ".-", color="tab:blue", label="G: a table of 10, D = D*")
    axes.axhline(2e-8, **CLOSED, label="2e-8, where JSD = 1e-8")
    _named(axes, r"$\partial C / \partial q = \log(1 - D^*)$: down to $C = -\log 4$",
           "steps of G", "C(G) + log 4 = 2 JSD")  # fmt: skip


def _saturation(axes: Any, curves: Curves) -> None:
    logit = curves["pull.logit"]
    D = 1 / (1 + np.exp(-logit))
    for name, formula, closed, color in (
        ("minimax", "log(1 - D)", D, "tab:blue"),
        ("non-saturating", "-log D", 1 - D, "tab:green"),
    ):
        axes.semilogy(logit, curves[f"pull.{name}"], "o", color=color, markersize=3.5,
                      label=f"G's loss {formula}")  # fmt: skip
        axes.semilogy(logit, closed, **CLOSED)
    ends = curves["pull.minimax"][0], curves["pull.non-saturating"][0]
    axes.annotate("", (-10, ends[1]), (-10, ends[0]), arrowprops={"arrowstyle": "<->"})
    axes.text(-9.7, 3e-3, f"× {ends[1] / ends[0]:,.0f}", fontsize=8)
    _named(axes, r"$|\partial_l \log(1 - D)| = D,\quad |\partial_l \log D| = 1 - D$",
           "l, the logit of a fake", "slope")  # fmt: skip


def _least_squares(axes: Any, curves: Curves) -> None:
    shift = curves["squares.shift"]
    axes.plot(
        shift, curves["squares.-1/1/0"], "o", markersize=3.5, label="2 C for targets -1, 1, 0"
    )
    axes.plot(shift, curves["squares.0/1/1"], "o", markersize=3.5, label="2 C for targets 0, 1, 1")
    chi2 = curves["squares.chi2"]
    axes.plot(shift, chi2, **CLOSED, label=r"$\chi^2(p + q, 2q)$, and $1/2 + \chi^2 / 4$")
    axes.plot(shift, 0.5 + chi2 / 4, **CLOSED)
    _named(axes, r"least squares: $2C = \chi^2$ for -1, 1, 0, not for 0, 1, 1",
           "m, for q = N(m, 1)", "2 C")  # fmt: skip


def _bilinear(axes: Any, curves: Curves) -> None:
    n, lr = np.arange(len(curves["turns.at once"])), curves["turns.lr"][0]
    axes.plot(n, curves["turns.at once"], label="simultaneous steps")
    axes.plot(n, curves["turns.in turn"], label="alternating steps: Algorithm 1")
    axes.plot(
        n, (1 + lr**2) ** (n / 2), **CLOSED, label=r"$(1 + lr^2)^{n/2}$, $1 / \sqrt{1 \pm lr/2}$"
    )
    for sign in (-1, 1):
        axes.axhline(1 / math.sqrt(1 + sign * lr / 2), **CLOSED)
    _named(axes, rf"$\min_x\ \max_y\ (-xy)$, lr = {lr}", "rounds", "distance from (0, 0)")


def _asymmetry(axes: Any, curves: Curves) -> None:
    x = np.linspace(-6, 6, 241)
    p = (normal_density(x, -2, 0.5) + normal_density(x, 2, 0.5)) / 2
    axes.fill_between(x, p, alpha=0.25, label="p")
    for name, label in (("kl", "KL(p, q)"), ("reverse-kl", "KL(q, p)"), ("js", "JSD(p, q)")):
        mean, sd = curves[f"nearest.{name}"]
        line = {"linestyle": (0, (1, 3)), "linewidth": 3} if name == "js" else {}
        axes.plot(x, normal_density(x, mean, sd), **line,
                  label=f"q with minimal {label}: N({mean:.2f}, {sd:.2f}²)")  # fmt: skip
    axes.set_ylim(top=1.15)
    _named(axes, r"$KL(p, q) \neq KL(q, p)$: the nearest normal", "x", "density")


def _divergences(axes: Any, curves: Curves) -> None:
    shift = curves["divergence.shift"]
    for name in DIVERGENCES:  # the first two coincide: circles around dots
        fill, size = ("none", 8) if name == "kl" else ("full", 3.5)
        label = name if name in SHIFTED_NORMALS else f"{name}: no closed form"
        axes.loglog(shift, curves[f"divergence.{name}"], "o", fillstyle=fill, markersize=size,
                    label=label)  # fmt: skip
        if name in SHIFTED_NORMALS:
            axes.loglog(shift, [SHIFTED_NORMALS[name](m) for m in shift], **CLOSED)
    ticks = (0.1, 0.3, 1, 3)
    axes.set_xticks(ticks, [f"{m:g}" for m in ticks])
    axes.set_xticks([], minor=True)
    _named(axes, r"$\int q\,f(p / q)\,dx$ for convex $f$", "m, for p = N(0, 1), q = N(m, 1)",
           "divergence")  # fmt: skip
