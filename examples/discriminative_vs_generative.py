"""Discriminative and generative classifiers: learn p(y | x), or learn p(x | y) and use Bayes' rule.

    logistic regression   maximizes log p(y | x)              over W and b of softmax(W x + b)
    naive Bayes           maximizes log p(x | y) + log p(y)   over class means, shared variances
    Bayes' rule           p(y | x) = p(x | y) p(y) / sum over y' of p(x | y') p(y')

Ng and Jordan 2002, "On discriminative vs. generative classifiers: a comparison of logistic
regression and naive Bayes". Both are softmax(W x + b), but naive Bayes computes W and b from the
means and the shared variances. With unlimited labels, this W is optimal only if the numbers in x
are independent given the class; but it needs few labels. So naive Bayes should be better with few
labels, and worse with many. Without a prior on W, W would grow without bound if the classes are
linearly separable. "Logistic regression" has the nearly flat prior N(0, 10^2), and "with a prior"
means N(0, 1). Two models of p(x | y) with more capacity join the comparison: mixtures of normal
densities (EM) and Parzen windows. The labeled images are drawn --steps times. Each comparison is
the mean over these draws, with its interval.

Read next: sgan.py
"""

# %% The images as pixels and as principal components, which need no labels
import numpy as np
from matplotlib.figure import Figure

from tinygan import plots
from tinygan.experiments import classical
from tinygan.experiments.example import Example
from tinygan.experiments.reproduce.ssl import chosen
from tinygan.experiments.results import t_interval
from tinygan.metrics.parzen import SIGMAS

run = Example("discriminative_vs_generative", __doc__, steps=20, full=20)
known, test = run.load_labeled(2000)
(images, labels), (_, test_labels) = known.labeled(), test.labeled()
classes, shape, k = known.classes or (), images.shape[1:], len(known.classes or ())
x, x_test = (part.images.reshape(len(part.images), -1) / 255 for part in (known, test))
center, directions = x.mean(axis=0), np.linalg.eigh(np.cov(x.T))[1][:, :-11:-1]  # largest first
COMPONENTS = "10 principal components"
spaces = {  # training images, test images, and widths of the Parzen window to choose from
    "pixels": (x, x_test, SIGMAS),
    COMPONENTS: (
        (x - center) @ directions, (x_test - center) @ directions, 3 * np.array(SIGMAS),
    ),
}  # fmt: skip
maximum = min(10_000 if run.full else run.many(1000), k * np.bincount(labels).min())
sizes = [n * k for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if n * k <= maximum]
FLAT, PRIOR, BAYES = "logistic regression", "logistic regression with a prior", "naive Bayes"


def trained(x, y, sigmas):
    """Each classifier, trained on rows x with labels y: a function from rows to scores (N, K)."""
    spread, options = x.var(axis=0).mean(), {"steps": run.many(300), "backend": run.backend}
    return {
        FLAT: classical.logistic_regression(x, y, k, sd=10.0, **options).logits,
        PRIOR: classical.logistic_regression(x, y, k, sd=1.0, **options).logits,
        BAYES: classical.naive_bayes(x, y, k, spread).log_joint,
        "mixtures": classical.mixtures(x, y, spread, rng=run.rng).log_joint,
        "Parzen window": classical.windows(x, y, sigmas).log_joint,
    }


# %% The accuracy for each number of labels, in several draws
accuracies: dict[str, dict[str, list[float]]] = {space: {} for space in spaces}
draws = max(2, run.steps)  # an interval needs two
for _draw in run.counted(draws, "draw"):
    drawn = [chosen(labels, n, run.rng) for n in sizes]  # indices, as many of each class
    for space, (rows, rows_test, sigmas) in spaces.items():
        for few in drawn:
            for name, score in trained(rows[few], labels[few], sigmas).items():
                accuracy = (score(rows_test).argmax(axis=1) == test_labels).mean()
                accuracies[space].setdefault(name, []).append(accuracy)


# %% Which classifier is better, and where this changes
def intervals(values):
    """The mean over the draws, and half of its 99 % interval, for each number of labels."""
    return np.transpose([t_interval(column, 0.99) for column in values.T])


def lead_and_lag(mean, half):
    """The last number of labels at which naive Bayes is better, and the first number after it at
    which it is worse; None where no interval shows it."""
    lead = max((n for n, low in zip(sizes, mean - half, strict=True) if low > 0), default=None)
    behind = (n for n, high in zip(sizes, mean + half, strict=True) if high < 0 and n > (lead or 0))
    return lead, min(behind, default=None)


def claim(space, rival, lead, lag):
    """The sentence about naive Bayes and its rival, from `lead_and_lag`."""
    better = f"clearly better at {lead} labels" if lead else "never clearly better"
    unclear = "not clearly worse with more labels" if lead else "never clearly worse"
    worse = f"clearly worse at {lag} labels" if lag else unclear
    end = "the curves cross between them" if lead and lag else "no crossing is found"
    return f"On {space}, {BAYES} is {better} than {rival}, and {worse}: {end}."


targets = {(COMPONENTS, FLAT): 0.01}  # where the curves should cross
sentences, ends, figure = [], {}, Figure(figsize=(13, 8), layout="constrained")
for (above, below), space in zip(figure.subplots(2, 2, sharex=True).T, spaces, strict=True):
    tables = {name: np.reshape(each, (draws, -1)) for name, each in accuracies[space].items()}
    for name, each in tables.items():
        label = f"{name} ({'discriminative' if name in (FLAT, PRIOR) else 'generative'})"
        above.errorbar(sizes, *intervals(each), label=label, marker=".", capsize=2)
    ends[space] = {name: each[:, -1].mean() for name, each in tables.items()}
    others = {name: end for name, end in ends[space].items() if name != BAYES}
    run.found(f"{space}: accuracy of {BAYES} with most labels", ends[space][BAYES], compare=others)
    for rival, color in ((FLAT, "tab:blue"), (PRIOR, "tab:orange")):
        # All classifiers have the same labels in each draw, so the differences are averaged.
        mean, half = intervals(tables[BAYES] - tables[rival])
        below.errorbar(sizes, mean, half, c=color, label=f"minus {rival}", marker=".", capsize=2)
        best, bar = int((mean - half).argmax()), targets.get((space, rival))
        what = f"{space}: {BAYES} minus {rival}"
        run.found(f"{what}, at its best", mean[best], at_least=bar, compare={"±99 %": half[best]})
        run.found(f"{what}, with most labels", mean[-1], at_most=bar and -bar,
                  compare={"±99 %": half[-1]})  # fmt: skip
        sentences.append(claim(space, rival, *lead_and_lag(mean, half)))
    above.set(title=f"x: {space}", ylabel="accuracy on test images", xscale="log")
    below.set(title="above 0, naive Bayes is better", xlabel="number of labeled images")
    below.set(ylabel="accuracy of naive Bayes, minus another's", xticks=sizes, xticklabels=sizes)
    below.axhline(0, color="black", linewidth=0.8)
    below.xaxis.set_minor_formatter("")  # it would add numbers if there is less than a decade
    for axes in (above, below):
        axes.grid(alpha=0.2)
        axes.legend(fontsize=8)
figure.suptitle(f"Classifiers of images: means over {draws} draws of the labeled images, with 99 % "
                "intervals")  # fmt: skip
run.save("accuracy", figure, "accuracy by the number of labels; below, naive Bayes minus logistic "
         "regression with the same labels")  # fmt: skip

# %% W of logistic regression, W of naive Bayes, and the means of naive Bayes
few, spread = drawn[-1], x[drawn[-1]].var(axis=0).mean()  # of the last draw
bayes = classical.naive_bayes(x[few], labels[few], len(classes), spread)
line = classical.logistic_regression(x[few], labels[few], len(classes), backend=run.backend)
weights = np.stack([w - w.mean(axis=0) for w in (line.weight, bayes.means / bayes.variances)])
weights /= np.quantile(abs(weights), 0.99, axis=(1, 2), keepdims=True)  # -1 black, 1 white
names = f"W, {PRIOR}", f"W, {BAYES}", f"means, {BAYES}"
parts = np.stack([*weights, bayes.means * 2 - 1]).reshape(3, -1, *shape)
sheet = plots.rows(
    dict(zip(names, parts, strict=True)),
    len(classes),
    title=f"The classifiers from {len(few)} labels. W: white pixels are evidence for the class, "
    "black pixels against it, gray is 0. Means: black is 0.",
    column_labels=classes,
)
run.save("weights", sheet, "the weights of each class in logistic regression and in naive Bayes, "
         "and the means from which naive Bayes computes its weights")  # fmt: skip
winner = max(last := ends[COMPONENTS], key=lambda name: last[name])
kind = "discriminative" if winner in (FLAT, PRIOR) else "generative"
run.end(*sentences, f"With {sizes[-1]} labels and {COMPONENTS}, the most accurate model is {kind}: "
        f"{winner}, {last[winner]:.3f}; {BAYES} {last[BAYES]:.3f}, {FLAT} {last[FLAT]:.3f}.",
        "A difference is clear if its 99 % interval does not contain 0.")  # fmt: skip
