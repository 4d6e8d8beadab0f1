"""Discriminative or generative: learn p(y | x) directly, or p(x | y) and use Bayes' rule?

    p(y | x) = p(x | y) p(y) / sum over y' of p(x | y') p(y')

Ng and Jordan 2002, "On discriminative vs. generative classifiers: a comparison of logistic
regression and naive Bayes". Both are softmax(W x + b), but naive Bayes computes W and b from the
mean of each class and from shared variances. In the limit that is optimal only if the numbers in x
are independent given the class, but it needs few labels. So naive Bayes should be better at first,
and worse in the end. Logistic regression needs a prior on W, because W is unbounded if the labels
are linearly separable; here it is N(0, 10^2), which is nearly flat, or N(0, 1). Two models of
p(x | y) with more capacity join the comparison: mixtures of normal densities (EM) and Parzen
windows. (Here a round is one draw of the labels, with equal classes; --steps is the number of
draws.)
"""

# %% The digits as pixels and as principal components, which need no labels
import numpy as np
from matplotlib.figure import Figure

from tinygan import plots
from tinygan.experiments import classical
from tinygan.experiments.example import Example
from tinygan.experiments.reproduce.ssl import chosen
from tinygan.metrics.parzen import SIGMAS

run = Example("discriminative_vs_generative", __doc__, steps=8, full=10)
known, test = run.load_digits(2000)
(_, labels), (_, test_labels) = known.labeled(), test.labeled()
x, x_test = (part.images.reshape(-1, 784) / 255 for part in (known, test))
directions = np.linalg.eigh(np.cov(x.T))[1][:, ::-1]
center, first = x.mean(axis=0), directions[:, :20]
spaces = {
    "pixels": (x, x_test, SIGMAS),
    "20 components": ((x - center) @ first, (x_test - center) @ first, 3 * np.array(SIGMAS)),
}
maximum = 20_000 if run.full else run.many(2000)
sizes = [n for n in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000) if n <= maximum]


def trained(x, y, sigmas):
    """The scores (N, 10) of each classifier, trained on rows x with labels y."""
    spread = x.var(axis=0).mean()
    steps = run.many(300)
    flat, prior = (
        classical.logistic_regression(x, y, 10, sd, steps=steps, backend=run.backend)
        for sd in (10.0, 1.0)
    )
    return {
        "logistic regression": flat.logits,
        "logistic regression, with a prior": prior.logits,
        "naive Bayes": classical.naive_bayes(x, y, 10, spread).log_joint,
        "mixtures": classical.mixtures(x, y, spread, rng=run.rng).log_joint,
        "Parzen window": classical.windows(x, y, sigmas).log_joint,
    }


# %% The accuracy for each number of labels, in several draws
right: dict[str, dict[str, list[float]]] = {space: {} for space in spaces}
draws = max(2, run.steps)
if run.steps < draws:
    print("a standard error needs two draws, so there are 2")
for _draw in run.counted(draws, "draw"):
    drawn = [chosen(labels, n, run.rng) for n in sizes]
    for space, (rows, rows_test, *how) in spaces.items():
        for few in drawn:
            for name, score in trained(rows[few], labels[few], *how).items():
                share = (score(rows_test).argmax(axis=1) == test_labels).mean()
                right[space].setdefault(name, []).append(share)


# %% Which classifier is better, and where this changes
def mean_and_error(values):
    """The mean over the draws, and its standard error."""
    return values.mean(axis=0), values.std(axis=0) / (len(values) - 1) ** 0.5


figure = Figure(figsize=(11, 4.6), layout="constrained")
panels = figure.subplots(1, 2, sharey=True)
for axes, space in zip(panels, spaces, strict=True):
    shares = {name: np.reshape(each, (-1, len(sizes))) for name, each in right[space].items()}
    for name, each in shares.items():
        mean, error = mean_and_error(each)
        axes.errorbar(sizes, mean, error, label=name, marker=".", capsize=2)
        run.found(f"{space}: {name}, {sizes[-1]} labels", mean[-1], f"{sizes[0]}: {mean[0]:.3f}")
    comparisons = []
    for rival in list(shares)[:2]:
        # Both have the same labels in each draw, so their differences are averaged.
        mean, error = mean_and_error(shares["naive Bayes"] - shares[rival])
        leads, trails = mean > 3 * error, mean < -3 * error
        for i in sorted({int(mean.argmax()), len(sizes) - 1}):
            run.found(f"{space}: naive Bayes minus {rival}, {sizes[i]} labels", mean[i],
                      f"standard error {error[i]:.3f}")  # fmt: skip
        if leads.any() and trails[-1]:
            i = np.flatnonzero(mean > 0)[-1]  # between this size and the next, on a log scale
            at = np.exp(np.interp(0, -mean[i : i + 2], np.log(sizes[i : i + 2])))
            run.found(f"{space}: labels at which naive Bayes is overtaken by {rival}", at)
            axes.axvline(at, color="gray", linestyle="--", linewidth=0.9)
            comparisons.append(f"overtaken by {rival} at {at:.0f} labels")
        else:
            lead = "leads" if leads.any() else "never leads"
            comparisons.append(f"{lead} over {rival}: no crossing")
    verdict = f"{space}: naive Bayes\n" + "\n".join(comparisons)
    print(verdict)
    axes.set(xscale="log", xlabel="labels", title=verdict)
    axes.title.set_fontsize(9)
    axes.grid(alpha=0.2)
panels[0].set_ylabel(f"accuracy: mean of {draws} draws, and its standard error")
panels[0].legend()
run.save("accuracy", figure, "accuracy on test digits by the number of labels")

# %% W of logistic regression, W of naive Bayes, and the means of naive Bayes
few, spread = drawn[-1], x[drawn[-1]].var(axis=0).mean()
bayes = classical.naive_bayes(x[few], labels[few], 10, spread)
line = classical.logistic_regression(x[few], labels[few], 10, backend=run.backend)
weights = np.stack([w - w.mean(axis=0) for w in (line.weight, bayes.means / bayes.variances)])
weights /= np.quantile(abs(weights), 0.99, axis=(1, 2), keepdims=True)  # -1 black, 1 white
sheet = np.concatenate([*weights, bayes.means * 2 - 1])
run.save(
    "weights",
    plots.grid(sheet.reshape(-1, 1, 28, 28), 10),
    "rows: weights of logistic regression, weights and means of naive Bayes",
)
run.end()
