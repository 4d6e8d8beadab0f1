"""tinygan bench: its table, its counts of work, and that its peers play the same round."""

import functools
import json
import re
import subprocess

import numpy as np
import pytest

from tinygan import InputError, Tensor, environment, gan, grad, optim
from tinygan.commands.bench import WORKLOADS, bench, by_hand, measure, report
from tinygan.commands.bench.workloads import BETAS, LR
from tinygan.commands.parser import main

MLPS = [name for name in WORKLOADS if name.startswith("mlp")]


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(measure, "SLOT", 0.02)
    monkeypatch.setattr(measure, "_gemm_peak", lambda backend, threads, tf32: 100.0)


def test_the_work_of_a_round_is_counted():
    """100-128-784 and 784-128-1, counted by hand: forward, then gradients of weights and inputs."""
    g, d = [2 * 100 * 128, 2 * 128 * 784], [2 * 784 * 128, 2 * 128]
    d_step = sum(g) + 2 * (sum(d) + sum(d) + d[1])  # real and fake; images need no gradient
    g_step = sum(g) + sum(d) + sum(d) + sum(g) + g[1]  # D's weights need none, nor does the noise
    assert WORKLOADS["mlp-small"].flops(64) == 64 * (d_step + g_step)
    assert WORKLOADS["mlp-small"].flops(64, width=2) > 1.9 * WORKLOADS["mlp-small"].flops(64)


def test_the_work_of_convolutions_is_counted_at_their_smaller_image():
    g = [2 * 100 * 128 * 49, 2 * 128 * 64 * 16 * 49, 2 * 64 * 16 * 196]
    d = [2 * 64 * 16 * 196, 2 * 64 * 128 * 16 * 49, 2 * 128 * 49]
    d_step = sum(g) + 2 * (2 * sum(d) + sum(d[1:]))
    g_step = sum(g) + 2 * sum(d) + sum(g) + sum(g[1:])
    assert WORKLOADS["dcgan28"].flops(3) == 3 * (d_step + g_step)


def nets_by_hand(pair, seed=0):
    return by_hand.Net(pair.G, np.random.default_rng(seed)), by_hand.Net(
        pair.D, np.random.default_rng(seed)
    )


@pytest.mark.parametrize("name", ["mlp-small", "mlp-mid"])
def test_the_round_by_hand_has_the_gradients_and_the_step_of_the_engine(name):
    rng = np.random.default_rng(0)
    pair = WORKLOADS[name].build(rng, width=0.25)
    G, D = nets_by_hand(pair)
    z = rng.normal(size=(5, 100)).astype(np.float32)

    loss = gan.non_saturating.g_loss(pair.D(pair.G(Tensor(z))))
    wanted = grad(loss, [*pair.G.parameters(), *pair.D.parameters()])

    fake, g_backs = G.forward(z)
    logits, d_backs = D.forward(fake)
    at_fake = D.backward(-1 / (1 + np.exp(logits)) / 5, d_backs)
    G.backward(at_fake, g_backs)
    for net, params in ((G, pair.G.parameters()), (D, pair.D.parameters())):
        for p in params:
            want = wanted.pop(0).data
            np.testing.assert_allclose(net.views[id(p)][1], want, rtol=1e-4, atol=1e-6)

    net, before = pair.D, D.w.copy()
    gradients = [Tensor(D.views[id(p)][1].copy()) for p in net.parameters()]
    optim.Adam(net.parameters(), LR, BETAS).step(gradients)
    D.step()
    assert np.abs(D.w - before).max() > 1e-5
    for p in net.parameters():
        np.testing.assert_allclose(D.views[id(p)][0], p.data, atol=2e-7)


@pytest.mark.parametrize("name", MLPS)
def test_the_round_by_hand_learns(name):
    pair = WORKLOADS[name].build(np.random.default_rng(0), width=0.1)
    images = WORKLOADS[name].images()
    play = by_hand.player(pair, images, 8)
    play(3)
    assert (
        by_hand.player(WORKLOADS["dcgan28"].build(np.random.default_rng(0), 0.1), images, 8) is None
    )


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("peer", ["torch", "torch-tuned"])
def test_pytorch_plays_the_same_networks(name, peer):
    pytest.importorskip("torch")
    from tinygan.commands.bench import torch_peer

    pair = WORKLOADS[name].build(np.random.default_rng(0), width=0.125)
    for net in (pair.G, pair.D):
        theirs = [tuple(p.shape) for p in torch_peer.translated(net).parameters()]
        assert theirs == [p.shape for p in net.parameters()]
    torch_peer.player(pair, WORKLOADS[name].images(), 4, 1, peer)(2)


def test_the_table(short, tmp_path, capsys):
    out = tmp_path / "table.json"
    command = ["bench", "mlp-small", "--against", "by-hand", "--seconds", "0.1", "-o", str(out)]
    assert main([*command, "--threads", "1", "--batch", "8", "--width", "0.5"]) == 0
    table = json.loads(out.read_text())
    ours, theirs = table["rows"]
    assert (ours["contender"], theirs["contender"]) == ("numpy", "by-hand")
    assert "ratio" not in ours and theirs["ratio_quartiles"][0] <= theirs["ratio"]
    for row in table["rows"]:
        assert row["flops"] == WORKLOADS["mlp-small"].flops(8, 0.5)
        assert row["gflops"] == pytest.approx(row["flops"] / row["median"] / 1e9)
        assert row["of_peak"] == pytest.approx(row["gflops"] / 100)
        assert row["quartiles"][0] <= row["median"] <= row["quartiles"][1]
        assert row["peak_memory"] > 2**20
    assert table["threads"] == 1 and table["machine"]["numpy"] == np.__version__
    text = capsys.readouterr().out
    assert "mlp-small, batch 8, width x0.5" in text and "NumPy by hand" in text
    marked = report(table, markdown=True).splitlines()
    assert len({line.count("|") for line in marked[:4]}) == 1 and set(marked[1]) <= set("| -:")


def test_a_workload_that_a_peer_cannot_play_is_left_out(short):
    table = bench(["dcgan28"], against=["by-hand"], seconds=0.05, batch=2, width=0.1)
    assert [row["contender"] for row in table["rows"]] == ["numpy"]


def test_the_peak_is_measured(monkeypatch):
    play = functools.cache(measure.Worker.play)  # one product of the twenty
    monkeypatch.setattr(measure.Worker, "play", play)
    assert 1 < measure._gemm_peak("numpy", 1, False) < 1e5


BAD = {
    "workload": (["mlp-smal"], "workload 'mlp-smal' is unknown; .* did you mean 'mlp-small'"),
    "peer": (["--against", "jax"], "--against 'jax' is unknown; expected one of torch, by-hand"),
    "backend": (["--backend", "torch"], "backend 'torch' is unknown"),
    "threads": (["--threads", "0"], r"--threads: expected an int in \[1, \d+\], got 0"),
    "batch": (["--batch", "-3"], r"--batch: expected an int in \[1, 65536\], got -3"),
    "seconds": (["--seconds", "nan"], "--seconds: expected a number > 0, got nan"),
    "width": (["--width", "inf"], "--width: expected a number > 0, got inf"),
    "out": (["-o", "no/where.json"], "no/where.json: there is no folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_input_is_one_line_and_status_2(case, short, capsys):
    arguments, message = BAD[case]
    assert main(["bench", *arguments]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("tinygan: ") and err.count("\n") == 1 and not out
    assert re.search(message, err)


def test_a_peer_that_is_not_installed_is_named(monkeypatch, short):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="PyTorch is not installed; pip install torch"):
        bench(["mlp-small"], against=["torch"])


def test_a_process_that_fails_is_one_error(short):
    with pytest.raises(InputError, match=r"the process of .numpy. failed: .*Error"):
        bench(["mlp-2014"], backends=["numpy"], width=1e6, seconds=0.1)


def test_a_commit_is_marked_if_sources_were_changed_and_not_if_results_were_written(
    tmp_path, monkeypatch
):
    def git(*words):
        subprocess.run(
            ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", *words],
            check=True, capture_output=True,
        )  # fmt: skip

    source = tmp_path / "environment.py"
    source.write_text("1\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    monkeypatch.setattr(environment, "__file__", str(source))
    (tmp_path / "figures.json").write_text("{}")
    clean = environment.machine()["commit"]
    assert clean and not clean.endswith("+")
    source.write_text("2\n")
    assert environment.machine()["commit"] == clean + "+"
