"""--json: one object on standard output, with the documented keys and the figures of the text."""

import json
import math
import re

import numpy as np
import pytest

from tinygan.commands import doctor, shared
from tinygan.commands.bench import command as bench
from tinygan.commands.parser import main
from tinygan.doctor import Probe
from tinygan.experiments import reproduce as experiments
from tinygan.experiments.results import Result, SeedResults
from tinygan.metrics import evaluation, report


def printed(capsys, *argv):
    assert main([*map(str, argv)]) == 0
    return capsys.readouterr().out


def object_of(capsys, *argv):
    """The object that a command prints, with nothing else. NaN is no JSON."""
    return json.loads(printed(capsys, *argv, "--json"), parse_constant=pytest.fail)


def documented(capsys, command):
    """The keys that the help of --json names, without remarks in parentheses."""
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    (keys,) = re.findall(r"--json print no text, but one JSON object with the keys (.*?);", text)
    return set(re.sub(r" \(.*?\)", "", keys).split(", "))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("json") / "run"
    argv = ["train", "--model", "mlp-small", "--steps", "50", "--quiet", "--ranks", "1"]
    assert main([*argv, "--out", str(folder)]) == 0
    return folder


def test_the_object_of_info_has_the_figures_of_its_text(capsys):
    found, text = object_of(capsys, "info"), printed(capsys, "info")
    named, optional = documented(capsys, "info"), {"device", "torch", "cupy"}
    assert named - optional <= found.keys() <= named
    for key in ("tinygan", "python", "system", "numpy", "blas"):
        assert found[key] in text
    assert f"{found['blas_threads']} thread" in text and f"on {found['cores']} cores" in text
    for name, problem in found["backends"].items():
        assert re.search(
            rf"^  {name} +{'works' if problem is None else re.escape('does')}", text, re.M
        )


def test_the_object_of_the_doctor_has_the_probes_and_the_diagnoses(run, capsys):
    (run / "health.jsonl").write_text(
        (run / "health.jsonl").read_text()
        + '{"name": "not finite", "step": 50, "seen": "The first number"}\n'
    )
    found, text = object_of(capsys, "doctor", run), printed(capsys, "doctor", run)
    assert found.keys() == documented(capsys, "doctor") and found["run"] == str(run)
    first, *_, probe = found["probes"]
    assert first["step"] == 1
    row = {name: cell(Probe(**probe)) for name, cell in doctor.COLUMNS.items()}
    assert all(value in text for value in row.values()) and row["round"] == "50"
    last = ", ".join(f"{name} {value:.4g}" for name, value in found["last_row"].items())
    assert last.startswith("step 50, d_loss ") and last in text
    (diagnosis,) = found["diagnoses"]
    assert "after round 50: not finite. The first number" in text and diagnosis["step"] == 50
    assert diagnosis["remedies"] and all(
        f"  - {each}\n" in f"{text}\n" for each in diagnosis["remedies"]
    )


def test_the_object_of_evaluate_has_the_table_and_is_the_file(run, capsys, monkeypatch):
    argv = "evaluate", run, "--n", 1000
    sets = evaluation.OURS, evaluation.REFERENCE, "k-means"
    row = {m.name: 1 / (i + 1.7) for i, m in enumerate(evaluation.METRICS)}
    monkeypatch.setattr(report, "picture", lambda *_: None)
    monkeypatch.setattr(evaluation, "evaluate", lambda *_, **options: dict.fromkeys(sets, row))
    found, text = object_of(capsys, *argv), printed(capsys, *argv)
    assert found.keys() == documented(capsys, "evaluate")
    assert found == {"run": str(run), **json.loads((run / "evaluation.json").read_text())}
    assert report.table(found["rows"]) in text
    assert all(f"! {line}" in text for line in found["warnings"]) and found["network"] in text


def test_the_object_of_bench_has_the_times_of_its_table(capsys, tmp_path, monkeypatch):
    machine = {"processor": "p", "cores": 1, "blas": "b", "commit": "", "date": "d"}
    row = {"workload": "w", "contender": "numpy", "threads": None, "ranks": 1, "batch": 64}
    row |= {"width": 1, "median": 0.012345, "gflops": math.nan, "of_peak": 0.5, "peak_memory": 0}
    table = {"rows": [row], "gemm_peak_gflops": {"numpy": 99.0}, "threads": [None], "busy": 0}
    table |= {"tf32": False, "seconds": 5.0, "machine": machine, "unavailable": {"cupy": "none"}}
    monkeypatch.setattr(bench, "bench", lambda *args, **options: table)
    out = tmp_path / "bench.json"
    found, text = object_of(capsys, "bench", "-o", out), printed(capsys, "bench")
    assert found.keys() == documented(capsys, "bench") and json.loads(out.read_text()) == found
    assert found["rows"][0] == {**row, "gflops": None}
    assert f"{1e3 * row['median']:.3g}" in text and "99 on numpy" in text


def test_the_object_of_reproduce_has_its_results(capsys, tmp_path, monkeypatch):
    results = SeedResults([Result("C", -1.25, "-1.25 +- .1", True)], {"x": [math.inf]})
    theory = experiments.EXPERIMENTS["theory"]._replace(run=lambda *args: results, draw=None)
    monkeypatch.setitem(experiments.EXPERIMENTS, "theory", theory)
    argv = "reproduce", "theory", "--out", tmp_path / "r.json"
    found, text = object_of(capsys, *argv), printed(capsys, *argv)
    (seed,) = found["seeds"]
    assert (found["experiment"], found["backend"], seed["seed"]) == ("theory", "numpy", 0)
    assert [Result(**each) for each in seed["findings"]] == results.findings
    assert seed["curves"] == {"x": [None]} and "-1.25 +- .1" in text and "reproduced" in text
    assert found.keys() <= {*documented(capsys, "reproduce")}


def test_the_list_of_experiments_is_an_object_too(capsys):
    found, text = object_of(capsys, "reproduce", "--list"), printed(capsys, "reproduce", "--list")
    assert found.keys() == experiments.EXPERIMENTS.keys()
    assert all(value in text for entry in found.values() for value in entry.values())


def test_numbers_that_are_not_finite_become_null():
    figures = {"a": [math.nan, -math.inf, np.float64("inf"), 1.5], "b": ("NaN", None)}
    assert json.loads(shared.as_json(figures)) == {"a": [None, None, None, 1.5], "b": ["NaN", None]}


@pytest.mark.parametrize("command", ["doctor nowhere", "evaluate nowhere", "reproduce nothing"])
def test_an_error_leaves_standard_output_empty(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*command.split(), "--json"]) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1
