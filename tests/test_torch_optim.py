"""Twenty steps of each optimizer land where PyTorch's land. Skipped where it is not installed."""

import numpy as np
import pytest

from tinygan import Tensor, nn, optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")

PAIRS = {
    "SGD": (lambda p: optim.SGD(p, 0.05), lambda p: torch.optim.SGD(p, 0.05)),
    "SGD with momentum": (
        lambda p: optim.SGD(p, 0.05, 0.9),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9),
    ),
    "RMSprop": (
        lambda p: optim.RMSprop(p, 0.01, 0.9, 1e-6),
        lambda p: torch.optim.RMSprop(p, 0.01, alpha=0.9, eps=1e-6),
    ),
    "RMSprop as it comes": (optim.RMSprop, torch.optim.RMSprop),
    "Adam": (
        lambda p: optim.Adam(p, 0.01, (0.5, 0.999)),
        lambda p: torch.optim.Adam(p, 0.01, (0.5, 0.999)),
    ),
    "Adam as it comes": (optim.Adam, torch.optim.Adam),
    "AdamW": (
        lambda p: optim.Adam(p, 0.01, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1),
    ),
}
SHAPES = [(3, 2), (4,)]


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("name", PAIRS)
def test_twenty_steps(name, dtype, tolerance):
    rng, (make, make_there) = np.random.default_rng(0), PAIRS[name]
    start = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    ours = [nn.Parameter(w.copy()) for w in start]
    theirs = [torch.from_numpy(w.copy()).requires_grad_() for w in start]
    opt, opt_there = make(ours), make_there(theirs)
    for _ in range(20):
        grads = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
        opt.step([Tensor(g) for g in grads])
        for p, g in zip(theirs, grads, strict=True):
            p.grad = torch.from_numpy(g)
        opt_there.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=tolerance, atol=tolerance)


def test_clipping_by_norm():
    rng = np.random.default_rng(0)
    grads = [rng.normal(size=shape) for shape in SHAPES]
    ps = [torch.zeros(shape, dtype=torch.float64) for shape in SHAPES]
    for p, g in zip(ps, grads, strict=True):
        p.grad = torch.from_numpy(g.copy())
    torch.nn.utils.clip_grad_norm_(ps, 0.5)
    for ours, p in zip(optim.clip_grad_norm([Tensor(g) for g in grads], 0.5), ps, strict=True):
        np.testing.assert_allclose(ours.data, p.grad.numpy(), rtol=1e-5)  # theirs adds 1e-6
