"""Discriminative or generative: learn p(y | x), or p(x | y) and turn it round?

    p(y | x) = p(x | y) p(y) / sum over y' of p(x | y') p(y')

Ng and Jordan 2002, "On discriminative vs. generative classifiers: a comparison of logistic
regression and naive Bayes". Both are softmax(W x + b), but naive Bayes takes W and b from the mean
of each class and from variances that all share. This is the best in the end only if the numbers of
x are independent in each class, but few labels suffice for it: so it should lead at first, and be
overtaken. Is it so? Logistic regression needs a prior on W to have an answer where planes can part
the labels; here it has next to none, N(0, 10^2), and N(0, 1) beside it. Models of p(x | y) that go
on learning are there, too: mixtures of normal densities (EM), and the Parzen window.
(A round is one draw of the labels here, as many of each class; --steps says how many.)
"""

# %% Twice the same digits: as pixels, and as their principal components, for which no label counts
import numpy as np
from matplotlib.figure import Figure

from tinygan import plots
from tinygan.experiments import classical
from tinygan.experiments.example import Example
from tinygan.experiments.reproduce.ssl import chosen
from tinygan.metrics.parzen import SIGMAS

run = Example("discriminative_vs_generative", __doc__, steps=8, full=10)
known, test = run.load_digits(2000)
x, x_test = (part.images.reshape(-1, 784) / 255 for part in (known, test))
directions = np.linalg.eigh(np.cov(x.T))[1][:, ::-1]
middle, first = x.mean(axis=0), directions[:, :20]
spaces = {
    "pixels": (x, x_test, SIGMAS),
    "20 components": ((x - middle) @ first, (x_test - middle) @ first, 3 * np.array(SIGMAS)),
}
most = 20_000 if run.full else run.many(2000)
sizes = [n for n in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000) if n <= most]


def learned(x, y, sigmas):
    """The classifiers, by their names, of as many labeled rows."""
    spread = x.var(axis=0).mean()
    how = {"steps": run.many(300), "backend": run.backend}
    sharp, mild = (classical.logistic_regression(x, y, 10, sd, **how) for sd in (10.0, 1.0))
    return {
        "logistic regression": sharp.logits,
        "logistic regression, with a prior": mild.logits,
        "naive Bayes": classical.naive_bayes(x, y, 10, spread).log_joint,
        "mixtures": classical.mixtures(x, y, spread, rng=run.rng).log_joint,
        "Parzen window": classical.windows(x, y, sigmas).log_joint,
    }


# %% So many labels, drawn again and again
right = {space: {} for space in spaces}
draws = max(2, run.steps)
if run.steps < draws:
    print("of one draw there is no standard error: 2 are played")
for _ in run.counted(draws, "draw"):
    drawn = [chosen(known.labels, n, run.rng) for n in sizes]
    for space, (rows, rows_test, *how) in spaces.items():
        for few in drawn:
            for name, score in learned(rows[few], known.labels[few], *how).items():
                share = (score(rows_test).argmax(axis=1) == test.labels).mean()
                right[space].setdefault(name, []).append(share)


# %% Who leads, and where the lead changes
def mean_and_error(values):
    """The mean over the draws, and its standard error."""
    return values.mean(axis=0), values.std(axis=0) / (len(values) - 1) ** 0.5


figure = Figure(figsize=(11, 4.6), layout="constrained")
panels = figure.subplots(1, 2, sharey=True)
for axes, (space, shares) in zip(panels, right.items(), strict=True):
    shares = {name: np.reshape(each, (-1, len(sizes))) for name, each in shares.items()}
    for name, each in shares.items():
        mean, error = mean_and_error(each)
        axes.errorbar(sizes, mean, error, label=name, marker=".", capsize=2)
        run.found(f"{space}: {name}, {sizes[-1]} labels", mean[-1], f"{sizes[0]}: {mean[0]:.3f}")
    verdict = []
    for rival in list(shares)[:2]:
        # Both have the same labels in a draw, so it is their difference that is averaged.
        mean, error = mean_and_error(shares["naive Bayes"] - shares[rival])
        leads, trails = mean > 3 * error, mean < -3 * error
        for i in sorted({int(mean.argmax()), len(sizes) - 1}):
            run.found(f"{space}: naive Bayes less {rival}, {sizes[i]} labels", mean[i],
                      f"standard error {error[i]:.3f}")  # fmt: skip
        if leads.any() and trails[-1]:
            i = np.flatnonzero(mean > 0)[-1]  # between this size and the next, on a log scale
            at = np.exp(np.interp(0, -mean[i : i + 2], np.log(sizes[i : i + 2])))
            run.found(f"{space}: labels at which naive Bayes is overtaken by {rival}", at)
            axes.axvline(at, color="gray", linestyle="--", linewidth=0.9)
            verdict.append(f"overtaken by {rival} at {at:.0f} labels")
        else:
            verdict.append(f"{'leads' if leads.any() else 'never leads'} over {rival}: no crossing")
    verdict = f"{space}: naive Bayes\n" + "\n".join(verdict)
    print(verdict)
    axes.set(xscale="log", xlabel="labels", title=verdict)
    axes.title.set_fontsize(9)
    axes.grid(alpha=0.2)
panels[0].set_ylabel(f"accuracy: mean of {draws} draws, and its standard error")
panels[0].legend()
run.save("accuracy", figure, "accuracy on other digits against the number of labels")

# %% What W is: of logistic regression, and that of naive Bayes; and the means of naive Bayes
few, spread = drawn[-1], x[drawn[-1]].var(axis=0).mean()
bayes = classical.naive_bayes(x[few], known.labels[few], 10, spread)
line = classical.logistic_regression(x[few], known.labels[few], 10, backend=run.backend)
weights = np.stack([w - w.mean(axis=0) for w in (line.weight, bayes.means / bayes.variances)])
weights /= np.quantile(abs(weights), 0.99, axis=(1, 2), keepdims=True)  # -1 black, 1 white
sheet = np.concatenate([*weights, bayes.means * 2 - 1])
run.save(
    "weights",
    plots.grid(sheet.reshape(-1, 1, 28, 28), 10),
    "rows: weights of logistic regression, those of naive Bayes, and its means",
)
run.end()
