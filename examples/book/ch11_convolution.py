# %% [markdown]
# # 11. Convolution and its transpose
#
# **A belief.** "The layers of a generator are *deconvolutions*: they undo a convolution." They do
# not. A *transposed convolution* is the pull of a convolution, used forwards. This chapter builds
# both, checks the belief, and finds where the checkerboards in generated images come from.
#
# A convolution moves a small kernel $w$ over an image $x$, $s$ pixels at a time, and sums the
# products at each place. With one channel, and $p$ zeros added at each border of $x$:
#
# $$y_{ij} = \sum_{a, b} x_{si + a - p, \; sj + b - p} \; w_{ab}$$
# %%
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, grad, nn, no_grad, ops
from tinygan.conv import conv2d, conv_transpose2d
from tinygan.experiments.chapter import Chapter
from tinygan.metrics.pixels import overlap
from tinygan.models.dcgan import dcgan28

chapter = Chapter("ch11_convolution", "11. Convolution and its transpose")


# %% [markdown]
# ## Both in a few lines
#
# The sum runs over positions $a, b$ of the kernel, so the code has a loop over these alone: for
# each it multiplies all images by one number for each pair of channels. The pull sends each
# product back to the pixel that it came from, and *adds* what arrives there. This is chapter 4's
# rule: a pixel that was used many times gets a term for each use.
# %%
def windows(image, w, stride, places):
    """For each position of the kernel: the pixels of the image under it, and its weights (O, C)."""
    (kh, kw), (i, j) = w.shape[2:], places
    for a, b in np.ndindex(kh, kw):
        under = image[:, :, a : a + stride * i : stride, b : b + stride * j : stride]
        yield under, w[:, :, a, b]


def convolve(x, w, stride, p):
    """Images (N, C, H, W) and kernels (O, C, kh, kw) to (N, O, I, J)."""
    places = [(n + 2 * p - k) // stride + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    parts = windows(padded, w, stride, places)
    return sum(np.einsum("ncij,oc->noij", under, weights) for under, weights in parts)


def transpose(y, w, stride, p):
    """Its transpose: (N, O, I, J) to (N, C, H, W)."""
    sizes = [(n - 1) * stride + k for n, k in zip(y.shape[2:], w.shape[2:], strict=True)]
    x = np.zeros((len(y), w.shape[1], *sizes))
    for under, weights in windows(x, w, stride, y.shape[2:]):
        under += np.einsum("noij,oc->ncij", y, weights)
    return x[:, :, p : sizes[0] - p, p : sizes[1] - p]


# %% [markdown]
# ## Is it an inverse?
#
# A convolution is linear in $x$: there is a matrix $A$ with $y = A x$. Its pull multiplies by the
# transpose $A^T$, and so does the transposed convolution. For all $x$ and $y$,
#
# $$\langle A x, \, y \rangle = \langle x, \, A^T y \rangle$$
#
# That is another matrix than $A^{-1}$, which does not even exist if $y$ has fewer numbers than $x$.
# %%
rng = np.random.default_rng(0)
x, w = rng.normal(size=(2, 3, 8, 8)), rng.normal(size=(5, 3, 4, 4))
y = convolve(x, w, 2, 1)
other = rng.normal(size=y.shape)
print(f"<Ax, y> = {np.sum(y * other):.6f}, <x, A'y> = {np.sum(x * transpose(other, w, 2, 1)):.6f}")
back = transpose(y, w, 2, 1)
angle = np.sum(back * x) / np.linalg.norm(back) / np.linalg.norm(x)
print(f"A'Ax has the shape of x: {back.shape == x.shape}; cosine of the angle to x: {angle:.2f}")
# %% [markdown]
# The transpose brings back the *shape* of $x$, not its numbers: a cosine of 1 would be the same
# direction. A generator does not need an inverse. It needs a layer that makes images larger and has
# weights to learn.
#
# ## Checkerboards
#
# With kernel size $k$ and stride $s$, how many terms does the transpose add in each pixel? If $s$
# does not divide $k$, neighbors get different numbers of terms, in a pattern of period $s$: a
# *checkerboard* (Odena et al. 2016). With $s = 2$, a kernel of 4 gives each pixel the same number.
#
# **Another belief.** "So with a kernel of 4 there are no checkerboards." Let layers with random
# weights double a constant image twice, before any training. The result should be constant, too.
# %%
ways = {
    "transposed, kernel 3": lambda c, o: [nn.ConvTranspose2d(c, o, 3, 2, 1, 1, rng=rng)],
    "transposed, kernel 4": lambda c, o: [nn.ConvTranspose2d(c, o, 4, 2, 1, rng=rng)],
    "upsampled, then kernel 3": lambda c, o: [
        nn.Upsample(scale_factor=2), nn.Conv2d(c, o, 3, padding=1, rng=rng)],
}  # fmt: skip
print("terms in two neighbors: kernel 3", overlap(3, 2), "kernel 4", overlap(4, 2))
ones, images = Tensor(np.ones((1, 8, 8, 8), np.float32)), {}
with no_grad():
    for name, way in ways.items():
        nets = [nn.Sequential(*way(8, 16), nn.ReLU(), *way(16, 1)) for _ in range(20)]
        outputs = np.concatenate([net(ones).numpy()[:, :, 8:-8, 8:-8] for net in nets])
        images[name] = outputs
        rough = np.mean([image.std() / np.abs(image).mean() for image in outputs])
        print(f"{name:26} std / mean |pixel| {rough:.2f}")
# %%
figure = Figure(figsize=(8, 5.6), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1.2, 1])
top.suptitle("A constant image, doubled twice by layers with random weights")
for axes, (name, outputs) in zip(top.subplots(1, 3), images.items(), strict=True):
    low, high = outputs[0].min() - 0.01, outputs[0].max() + 0.01
    axes.imshow(outputs[0, 0], cmap="gray", vmin=low, vmax=high)
    axes.set(title=name, xticks=[], yticks=[])
axes, row = bottom.subplots(), Tensor(np.ones((1, 1, 1, 8)))
for k, marker in ((3, "o"), (4, "s"), (5, "^")):
    terms = conv_transpose2d(row, Tensor(np.ones((1, 1, 1, k))), 2).numpy()[0, 0, 0]
    axes.plot(terms, marker=marker, label=f"k = {k}")
axes.set(title="Terms in each pixel of a row, stride 2", xlabel="pixel", ylabel="terms",
         xticks=range(0, 19, 2), yticks=range(4))  # fmt: skip
axes.legend()
chapter.save(figure, ko={
    "A constant image, doubled twice by layers with random weights":
        "상수 이미지를 무작위 가중치의 층으로 두 번 두 배로 키운 결과",
    "transposed, kernel 3": "전치 합성곱, 커널 3", "transposed, kernel 4": "전치 합성곱, 커널 4",
    "upsampled, then kernel 3": "확대 후 합성곱, 커널 3",
    "Terms in each pixel of a row, stride 2": "한 줄의 픽셀마다 더해지는 항의 수 (스트라이드 2)",
    "pixel": "픽셀", "terms": "항의 수",
})  # fmt: skip
# %% [markdown]
# Kernel 4 gives equal *numbers* of terms, but even and odd pixels still use different weights. So
# it can learn to be even, and starts uneven. Pixels that are copied first and convolved with stride
# 1 all use the same weights: a constant image stays constant. That layer costs more, because
# it works on the larger image.
#
# ## DCGAN
#
# Radford et al. 2015 built $G$ of transposed convolutions with stride 2 and $D$ of convolutions
# with stride 2: no pooling, BatchNorm except at $G$'s output and $D$'s input, ReLU in $G$,
# LeakyReLU in $D$. Here is the package's pair for 28x28. The
# last line counts what one linear layer between the same maps would need.
# %%
pair = dcgan28((1, 28, 28), rng=rng)
for name, net, at in (("G", pair.G, Tensor(np.zeros((2, 100), np.float32))),
                      ("D", pair.D, Tensor(np.zeros((2, 1, 28, 28), np.float32)))):  # fmt: skip
    shapes = [str(at.shape[1:])]
    with no_grad():
        for layer in net:
            at = layer(at)
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Unflatten, nn.Linear)):
                shapes.append(str(at.shape[1:]))
    print(f"{name}:", " -> ".join(shapes))
weights = next(layer for layer in pair.G if isinstance(layer, nn.ConvTranspose2d)).weight.size
print(f"128x7x7 to 64x14x14: {weights:,} weights; linear: {128 * 7 * 7 * 64 * 14 * 14:,}")
# %% [markdown]
# A convolution has few weights because each is used at every place: an image that is shifted gives
# a map that is shifted. That is an assumption about images, built into the layer.
#
# ## The package's own
#
# [conv](../../tinygan/conv/__init__.py) takes both from one form $T(x, w, y)$, which is linear in
# each argument. Its three derivatives are the convolution, its transpose, and the gradient at the
# weight, so each is the pull of another. [dcgan.py](../../tinygan/models/dcgan.py) has the pair,
# and [dcgan.py of the examples](../dcgan.py) trains it.
# %%
for size, k, stride, p in ((8, 4, 2, 1), (7, 3, 1, 1), (9, 5, 2, 2), (5, 3, 2, 0)):
    x, w = Tensor(rng.normal(size=(2, 3, size, size))), rng.normal(size=(5, 3, k, k))
    y = conv2d(x, Tensor(w), stride, p)
    g = rng.normal(size=y.shape)
    np.testing.assert_allclose(convolve(x.numpy(), w, stride, p), y.numpy(), atol=1e-10)
    theirs = conv_transpose2d(Tensor(g), Tensor(w), stride, p).numpy()
    np.testing.assert_allclose(transpose(g, w, stride, p), theirs, atol=1e-10)
    pulled = grad(ops.sum(y * Tensor(g)), [x])[0].numpy()
    np.testing.assert_allclose(theirs, pulled, atol=1e-10)
print("both equal the package's; the transpose equals the convolution's pull")
# %% [markdown]
# ## Exercises
#
# **11.1** Write `sizes(n, k, s, p)`: the size of the result of a convolution of $n$ pixels, and of
# a transposed convolution, along one axis: `tinygan check 11.1 FILE`.
#
# **11.2** Write `transpose_1d(y, w, s)`, the transposed convolution of a row $y$ of $I$ numbers
# with a kernel $w$ of $K$, stride $s$ and no padding. Result: $(I - 1) s + K$ numbers. Check it
# with `tinygan check 11.2 FILE`.
