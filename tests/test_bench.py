"""tinygan bench: the table, the counted operations, and the rounds of the peers."""

import functools
import json
import re
import subprocess

import numpy as np
import pytest

from tinygan import InputError, Tensor, environment, gan, grad, models, optim
from tinygan.commands.bench import DEFAULT, WORKLOADS, bench, by_hand, contender, measure, report
from tinygan.commands.bench.workloads import BETAS, LR, SHAPES
from tinygan.commands.parser import main


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(contender, "SLOT", 0.02)
    monkeypatch.setattr(measure, "_gemm_peak", lambda backend, threads, tf32: 100.0)


def operations(g, d):
    """The operations of a round, from those of each layer of G and D in a forward pass."""
    weights_of_g = inputs_of_g = sum(g)
    d_step = sum(g) + 2 * (2 * sum(d) + sum(d[1:]))  # no gradient of the images
    g_step = sum(g) + 2 * sum(d) + weights_of_g + inputs_of_g - g[0]  # no gradient of the noise
    return d_step + g_step


def test_flops_of_linear_layers():
    """100-128-784 and 784-128-1."""
    small = WORKLOADS["mlp-small"]
    counted = operations([2 * 100 * 128, 2 * 128 * 784], [2 * 784 * 128, 2 * 128])
    assert small.flops(64) == 64 * counted
    assert small.flops(64, width=2) > 1.9 * small.flops(64)


def test_flops_of_convolutions_are_those_of_their_smaller_image():
    g = [2 * 100 * 128 * 49, 2 * 128 * 64 * 16 * 49, 2 * 64 * 16 * 196]
    d = [2 * 64 * 16 * 196, 2 * 64 * 128 * 16 * 49, 2 * 128 * 49]
    assert WORKLOADS["dcgan28"].flops(3) == 3 * operations(g, d)
    g[0] = d[-1] = 0
    assert WORKLOADS["dcgan28"].flops(3, dense=False) == 3 * operations(g, d)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_other_shapes_have_images_and_logits_that_fit(shape):
    pair = shape.build(np.random.default_rng(0), width=0.5)
    fakes = pair.G(pair.noise(np.random.default_rng(0))(2))
    assert fakes.shape == (2, *shape.shape) == (2, *shape.images().shape[1:])
    assert pair.D(fakes).shape == (2, 1)


def test_the_sizes_of_other_shapes_are_those_of_their_names():
    sizes = {
        name: [p.shape for p in WORKLOADS[name].build(np.random.default_rng(0)).G.parameters()]
        for name in ("mlp-64-300-3072", "dcgan64-24", "conv-k5-s2-128")
    }
    assert sizes["mlp-64-300-3072"] == [(300, 64), (300,), (3072, 300), (3072,)]
    kernels = [shape for shape in sizes["dcgan64-24"] if len(shape) == 4]
    assert kernels == [(96, 48, 4, 4), (48, 24, 4, 4), (24, 3, 4, 4)]
    assert WORKLOADS["dcgan64-24"].shape == (3, 64, 64) and WORKLOADS["dcgan64-24"].batch == 16
    assert next(s for s in sizes["conv-k5-s2-128"] if len(s) == 4) == (128, 64, 5, 5)


def test_the_default_workloads_are_the_models():
    assert sorted(DEFAULT) == sorted(models.MODELS)
    assert not any(shape.name in (*DEFAULT, *models.MODELS) for shape in SHAPES)


@pytest.mark.parametrize("name", ["mlp-small", "mlp-mid"])
def test_the_round_in_plain_numpy_equals_the_engine_in_gradients_and_step(name):
    rng = np.random.default_rng(0)
    pair = WORKLOADS[name].build(rng, width=0.25)
    G, D = (by_hand.Net(net, np.random.default_rng(0)) for net in (pair.G, pair.D))
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


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_round_in_plain_numpy_plays_perceptrons_only(name):
    pair = WORKLOADS[name].build(np.random.default_rng(0), width=0.1)
    play = by_hand.player(pair, WORKLOADS[name].images(), 8)
    assert (play is not None) == name.startswith("mlp")
    if play:
        play(3)


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("peer", ["torch", "torch-tuned"])
def test_pytorch_has_the_same_networks(name, peer):
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
    assert table["threads"] == [1] and table["machine"]["numpy"] == np.__version__
    text = capsys.readouterr().out
    assert "mlp-small, batch 8, width x0.5" in text and "NumPy by hand" in text
    lines = report(table, markdown=True).splitlines()[:4]
    assert len({line.count("|") for line in lines}) == 1 and set(lines[1]) <= set("| -:")


def test_threads_and_ranks_give_a_contender_each(short, capsys):
    command = ["bench", "mlp-small", "--against", "by-hand", "--seconds", "0.1", "--batch", "8"]
    settings = ["--threads", "auto", "--threads", "1", "--ranks", "auto", "--ranks", "1"]
    settings += ["--threads", "1", "--against", "by-hand"]  # again: still one contender each
    assert main([*command, *settings, "--busy", "1"]) == 0
    text = capsys.readouterr().out
    engines = [line.split("  ")[1] for line in text.splitlines()[1:5]]
    names = ("tinygan, numpy", "NumPy by hand")
    assert engines == [name + setting for name in names for setting in ("", ", 1 thread")]
    assert "1 busy process;" in text


def test_a_ratio_is_to_tinygan_with_the_same_setting_of_threads(short):
    table = bench(["mlp-small"], against=["by-hand"], threads=[None, 1], seconds=0.1, batches=[8])
    ours, theirs = table["rows"][:2], table["rows"][2:]
    for mine, peer in zip(ours, theirs, strict=True):
        assert mine["threads"] == peer["threads"]
        ratios = np.divide(mine["times"], peer["times"])
        assert peer["ratio"] == pytest.approx(np.median(ratios))


def test_ranks_share_a_minibatch(short):
    table = bench(["dcgan28"], ranks=[2, 1], seconds=0.05, batches=[4], width=0.1)
    two, one = table["rows"]
    assert (two["ranks"], one["ranks"]) == (2, 1)
    assert two["flops"] == one["flops"] and two["peak_memory"] > 1.5 * one["peak_memory"]
    assert report(table).splitlines()[1].split("  ")[1] == "tinygan, numpy, 2 ranks"


def test_without_a_number_of_threads_there_are_as_many_ranks_as_in_training(short, monkeypatch):
    monkeypatch.setattr(measure, "ranks_for", lambda batch, work: 2 if work > 1e6 else 1)
    settings = {"threads": [None, 1], "seconds": 0.05, "batches": [4]}
    table = bench(["dcgan28"], width=0.25, ranks=[None, 1], **settings)
    found = [(row["threads"], row["ranks"]) for row in table["rows"]]
    assert found == [(None, 2), (None, 1), (1, 1)]


def test_a_workload_that_a_peer_cannot_play_is_left_out(short):
    table = bench(["dcgan28"], against=["by-hand"], seconds=0.05, batches=[2], width=0.1)
    assert [row["contender"] for row in table["rows"]] == ["numpy"]


def test_the_peak_is_measured(monkeypatch):
    play = functools.cache(measure.Worker.play)  # one product of the twenty
    monkeypatch.setattr(measure.Worker, "play", play)
    assert 1 < measure._gemm_peak("numpy", 1, 0) < 1e5


def test_a_process_raises_no_warning(short, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    (row,) = bench(["mlp-small"], backends=["numpy"], ranks=[2], seconds=0.1)["rows"]
    assert row["contender"] == "numpy"


BAD = {
    "workload": (["mlp-smal"], "workload 'mlp-smal' is unknown; .* did you mean 'mlp-small'"),
    "peer": (["--against", "jax"], "--against 'jax' is unknown; expected one of torch, .*by-hand"),
    "backend": (
        ["--backend", "torch"],
        "backend 'torch' is unknown; expected one of cupy, .*numpy",
    ),
    "a workload next to all": (["all", "mlp-smal"], "workload 'mlp-smal' is unknown"),
    "a backend next to all": (["--backend", "all", "torch"], "backend 'torch' is unknown"),
    "one of the batches": (["--batch", "8", "0"], r"--batch: expected an int in .*, got 0"),
    "a batch in words": (["--batch", "8", "mlp-small"], "--batch: expected a whole number, got .m"),
    "a batch that ranks do not divide": (
        ["dcgan28", "--batch", "64", "6", "--ranks", "4"],
        "--ranks 4: the minibatch of dcgan28 has 6 examples",
    ),
    "a picture of another kind": (["--plot", "a.pdf"], "--plot: expected the name of a .png file"),
    "a picture without a folder": (["--plot", "no/a.png"], "no/a.png: there is no folder"),
    "threads": (["--threads", "0"], r"--threads: expected an int in \[1, \d+\], got 0"),
    "threads in words": (
        ["--threads", "two"],
        "--threads: expected a whole number or auto, got .t",
    ),
    "ranks": (["--ranks", "0"], r"--ranks: expected an int in \[1, 64\], got 0"),
    "ranks in words": (["--ranks", "1.5"], "--ranks: expected a whole number or auto, got '1.5'"),
    "ranks that do not divide": (
        ["dcgan28", "mlp-2014", "--ranks", "8"],
        "--ranks 8: the minibatch of mlp-2014 has 100 examples; expected a number that divides it",
    ),
    "busy": (["--busy", "65"], r"--busy: expected an int in \[0, 64\], got 65"),
    "negative busy": (["--busy", "-1"], r"--busy: expected an int in \[0, 64\], got -1"),
    "busy in words": (["--busy", "x"], "--busy: expected a whole number, got 'x'"),
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


def test_a_missing_peer_is_one_error(monkeypatch, short):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="PyTorch is not installed; pip install torch"):
        bench(["mlp-small"], against=["torch"])


def test_a_process_that_fails_is_one_error_and_a_peer_that_fails_is_left_out(short, capsys):
    with pytest.raises(InputError, match=r"the process of .numpy. failed: .*Error"):
        bench(["mlp-2014"], backends=["numpy"], ranks=[1], width=1e6, seconds=0.1)
    with measure._echoed(is_peer=True):
        raise InputError("bench: it failed")
    assert capsys.readouterr().err == "without this peer: bench: it failed\n"


def test_a_commit_is_marked_as_changed_by_sources_but_not_by_results(tmp_path, monkeypatch):
    source = tmp_path / "environment.py"
    source.write_text("1\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init"], ["add", "."], ["commit", "-m", "first"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    monkeypatch.setattr(environment, "__file__", str(source))
    (tmp_path / "figures.json").write_text("{}")
    clean = environment.machine()["commit"]
    assert clean and not clean.endswith("+")
    source.write_text("2\n")
    assert environment.machine()["commit"] == clean + "+"
