"""tinygan bench for every model, batch and backend: the table, the file, the picture and the page
that says how to read them, offline."""

import json
import os
import re
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tinygan import environment
from tinygan.backend import arrays, cpu
from tinygan.commands.bench import DEFAULT, WORKLOADS, bench, contender, measure, picture, report
from tinygan.commands.parser import main


@pytest.fixture
def played(monkeypatch):
    """The (workload, batch, contenders) of a bench in which nothing is played."""
    games = []
    monkeypatch.setattr(measure, "_gemm_peak", lambda backend, threads, tf32: 100.0)

    def compare(workload, ours, theirs, seconds, peak, **sizes):
        games.append((workload.name, sizes["batch"], [each.name for each in [*ours, *theirs]]))
        row = {"ranks": 1, "threads": None, "batch": sizes["batch"], "width": 1, "flops": 1}
        row |= {"median": 0.1, "quartiles": [0.1, 0.2], "gflops": 1, "of_peak": 0.1}
        return [
            {"workload": workload.name, "contender": name, "peak_memory": 0, **row}
            for name in games[-1][2]
        ]

    monkeypatch.setattr(measure, "_compare", compare)
    return games


def test_all_is_every_model_with_each_batch_and_each_backend(played, tmp_path, capsys):
    out, picture = tmp_path / "bench.json", tmp_path / "bench.png"
    command = ["bench", "all", "mlp-small", "--batch", "16", "64", "--batch", "16", "--backend"]
    command += ["all", "numpy", "--against", "by-hand", "-o", str(out), "--plot", str(picture)]
    assert main(command) == 0
    engines = ["numpy", "by-hand"]
    assert played == [(name, batch, engines) for name in DEFAULT for batch in (16, 64)]
    table, text = json.loads(out.read_text()), capsys.readouterr().out
    assert [(row["workload"], row["batch"]) for row in table["rows"][::2]] == [
        game[:2] for game in played
    ]
    assert "dcgan28-slim, batch 64  tinygan, numpy" in text
    assert table["machine"]["blas"] in text and table["machine"]["processor"] in text
    with Image.open(picture) as image:
        assert image.format == "PNG" and np.ptp(np.asarray(image)) > 0


def test_the_default_is_every_model_with_its_own_batch(played):
    bench()
    assert [game[:2] for game in played] == [(name, WORKLOADS[name].batch) for name in DEFAULT]


def test_a_backend_that_does_not_work_is_named_with_the_reason_if_all_are_asked_for(
    played, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(
        measure, "survey", lambda: {"numpy": None, "cupy": "backend 'cupy': there is no GPU"}
    )
    out = tmp_path / "bench.json"
    assert main(["bench", "mlp-small", "--backend", "all", "-o", str(out)]) == 0
    assert "\ntinygan, cupy: not available: there is no GPU\n" in capsys.readouterr().out
    assert json.loads(out.read_text())["unavailable"] == {"cupy": "there is no GPU"}
    assert "|\n\ntinygan, cupy: " in report(json.loads(out.read_text()), markdown=True)
    assert bench(["mlp-small"])["unavailable"] == {} and played[-1][2] == ["numpy"]


def test_the_record_names_the_gpu_that_was_timed(played, monkeypatch):
    gpu = replace(arrays.numpy, name="cupy", array_type=list, device=lambda: "a GPU")
    monkeypatch.setitem(arrays._by_type, list, gpu)
    monkeypatch.setattr(measure, "survey", lambda: {"numpy": None, "cupy": None})
    table = bench(["mlp-small"])
    assert [game[2] for game in played] == [["numpy"], ["cupy", "cupy-eager"]]
    assert table["machine"]["device"] == "a GPU" and "cores, a GPU; tinygan" in report(table)
    assert " us a round " in report(table)


def test_the_plot_has_a_panel_for_each_workload_and_a_line_for_each_engine(
    played, monkeypatch, tmp_path
):
    drawn = []
    monkeypatch.setattr(picture, "save_figure", lambda figure, path: drawn.append(figure))
    table = bench(["dcgan28", "mlp-small"], batches=[64, 16], against=["by-hand"])
    table["rows"] = [row for row in table["rows"] if row["contender"] != "by-hand"] + [
        row | {"median": 0.05} for row in table["rows"][4:] if row["contender"] == "by-hand"
    ]
    picture.plot(table, str(tmp_path / "bench.png"))
    (figure,) = drawn
    assert [axes.get_title() for axes in figure.axes] == ["dcgan28", "mlp-small"]
    for axes in figure.axes:
        assert axes.get_xlabel() == "minibatch size (examples)"
        assert axes.get_ylabel() == "time of a round (ms)"
        assert [text.get_text() for text in axes.get_xticklabels()] == ["16", "64"]
    ours, theirs = figure.axes[1].containers
    np.testing.assert_allclose(ours[0].get_xydata(), [[16, 100], [64, 100]])
    np.testing.assert_allclose(theirs[0].get_xydata(), [[16, 50], [64, 50]])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["tinygan, numpy", "NumPy by hand"]
    assert table["machine"]["processor"] in figure.get_suptitle()


def test_a_single_size_stands_in_the_middle_of_the_plot(played, monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(picture, "save_figure", lambda figure, path: drawn.append(figure))
    picture.plot(bench(["mlp-small"], batches=[64]), str(tmp_path / "bench.png"))
    (axes,) = drawn[0].axes
    low, high = axes.get_xlim()
    assert low < 64 < high and low * high == pytest.approx(64**2)


NETWORK = """
import socket

def refused(*address):
    raise AssertionError(f"a connection to {address}")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refused
"""


def test_a_new_user_gets_a_table_a_file_and_a_picture_offline(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(contender, "SLOT", 0.02)
    (tmp_path / "sitecustomize.py").write_text(NETWORK)
    path = [str(tmp_path), str(Path(measure.__file__).parents[3])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))  # for the processes of engines
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("a connection"))
    monkeypatch.chdir(tmp_path)
    command = "bench mlp-small --batch 4 8 --backend all --seconds 0.05 -o a.json --plot a.png"
    assert main(command.split()) == 0
    out, err = capsys.readouterr()
    assert "mlp-small, batch 4 " in out and "mlp-small, batch 8 " in out and not err
    assert [row["batch"] for row in json.loads(Path("a.json").read_text())["rows"]] == [4, 8]
    with Image.open("a.png") as image:
        assert image.format == "PNG"


PAGE = Path(__file__).parents[1] / "benchmarks" / "READING.md"


@pytest.mark.parametrize(
    "command", re.findall(r"^tinygan (bench.*?) *(?:#|$)", PAGE.read_text(), re.M)
)
def test_the_commands_of_the_page_run(played, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)  # as if torch were installed
    monkeypatch.setattr(measure, "survey", lambda: {"numpy": None})
    assert main(command.split()) == 0 and played
    first, *_ = capsys.readouterr().out.splitlines()
    for column in re.findall(r"^\| ([\w/ ]+?) [(|]", PAGE.read_text(), re.M)[1:]:
        assert column in first


LOADED = [("mkl", "2026.2")]
LIBRARIES = {  # the name and version in NumPy's own record, and the libraries that are loaded
    "OpenBLAS 0.3.30": (("scipy-openblas", "0.3.30"), []),
    "MKL 2025.1": (("mkl-dynamic-ilp64-seq", "2025.1"), []),
    "Accelerate": (("accelerate", "unknown"), []),
    "BLIS": (("blis", ""), []),
    "MKL 2026.2": (("blas", "3.9.0"), LOADED),  # conda: an interface, and MKL behind it
    "OpenBLAS 0.3.31": (("cblas", "3.9.0"), [("openblas", "0.3.31")]),
    "OpenBLAS 0.3.32": (("openblas", "0.3.32"), LOADED),  # MKL is another package's
    "blas 3.9.0": (("blas", "3.9.0"), []),
    "unknown": ((None, None), []),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_blas_has_its_own_name(monkeypatch, name):
    (built, version), libraries = LIBRARIES[name]
    found = {"blas": {"name": built, "version": version}} if built else {}
    monkeypatch.setattr(np, "show_config", lambda mode: {"Build Dependencies": found})
    monkeypatch.setattr(environment, "loaded", lambda: libraries)
    assert environment.blas() == name
    assert environment.machine()["blas"].startswith(name)


def test_the_libraries_that_are_loaded_are_named(monkeypatch):
    library = SimpleNamespace(internal_api="mkl", version=None)
    monkeypatch.setattr(cpu, "_libraries", lambda: (library,))
    assert cpu.loaded() == [("mkl", "")]
