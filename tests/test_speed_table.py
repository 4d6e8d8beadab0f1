"""benchmarks/table.py: ratios, sentences about targets, the quota, the file of a processor."""

import contextlib
import json
import os
import subprocess
import sys

import pytest
import quota
import speed_text
import table
from test_cores import tree, v1

from tinygan.backend import cores
from tinygan.commands import parser
from tinygan.commands.bench import DEFAULT, WORKLOADS

MACHINE = {
    "tinygan": "0.2",
    "python": "3.11",
    "numpy": "2.4",
    "commit": "abc",
    "date": "2026-11-28",
}


def made_up(workload, **seconds):
    """A table of `bench`: the times of its contenders, by name, threads and ranks."""
    rows = []
    for key, times in seconds.items():
        name, threads, ranks = key.split("__")
        rows.append(
            {
                "workload": workload,
                "contender": name.replace("_", "-"),
                "threads": int(threads) or None,
                "ranks": int(ranks),
                "times": times,
                "median": sorted(times)[len(times) // 2],
                "peak_memory": 50 << 20,
            }
        )
    return {"rows": rows, "machine": MACHINE, "import_seconds": 0.125}


def run(workload="dcgan28", ours=(0.05, 0.06, 0.07)):
    ours = list(ours)
    return made_up(
        workload,
        numpy__0__2=ours,
        numpy__0__1=[0.1, 0.1, 0.1],
        numpy__1__1=[0.12, 0.12, 0.12],
        torch__0__1=[0.1, 0.1, 0.1],
        torch__1__1=[0.2, 0.2, 0.2],
        torch_tuned__0__1=[0.05, 0.05, 0.05],
    )


def results(processor="AMD EPYC (family 26, model 2)", shapes=(), busy=()):
    return {"processor": processor, "cores": 2, "shapes": list(shapes), "busy": list(busy)}


def cells(text, start):
    """The cells of the first line of a table that starts so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_ratios_times_and_speed_ups_of_two_runs():
    text = speed_text.block(results(shapes=[run(), run(ours=[0.2] * 3)]))
    assert text.startswith("### AMD EPYC (family 26, model 2), 2 cores\n")
    first, second = (line for line in text.splitlines() if line.startswith("| dcgan28 |"))
    assert first == "| dcgan28 | 2, 2 | 0.60, 2.00 | 1.00, 1.00 | 0.60, 0.60 | 1.20, 4.00 | " + (
        "2.00, 2.00 |  |"
    )
    assert second.startswith("| dcgan28 | 60, 200 | 100, 100 | 50, 50 | 2.00, 0.60 | 2.00, 2.00 |")
    assert (
        "`import tinygan` takes 0.12 s. By tinygan 0.2, python 3.11, numpy 2.4, commit abc" in text
    )


def test_a_ratio_is_the_median_over_neighboring_slots():
    ours, theirs = speed_text.OURS, speed_text.EAGER
    drifting = made_up("x", numpy__0__1=[1.0, 4.0, 9.0], torch__0__1=[2.0, 4.0, 6.0])
    assert speed_text.over(ours, theirs)(drifting, "x") == 1.0
    assert speed_text.over(ours, speed_text.TUNED)(drifting, "x") is None


@pytest.mark.parametrize(
    ("processor", "workload", "expected"),
    [
        ("AMD EPYC", "dcgan28", "networks, at most 0.95 of the time of PyTorch: met by 1 of 1."),
        ("AMD EPYC", "dcgan28", "of tuned PyTorch: met by 0 of 1; not by dcgan28 (1.20)."),
        ("AMD EPYC", "mlp-mid", "perceptrons, at most 0.80 of the time of PyTorch: met by 1 of 1."),
        ("Intel Xeon", "dcgan28", "at most 1.00 of the time of PyTorch: met by 1 of 1."),
    ],
)
def test_the_targets_of_a_processor(processor, workload, expected):
    assert expected in speed_text.block(results(processor, [run(workload)]))


def test_a_target_is_met_if_both_runs_meet_it():
    text = speed_text.block(results("Intel Xeon", [run(), run(ours=[0.101] * 3)]))
    assert "of PyTorch: met by 0 of 1; not by dcgan28 (0.60, 1.01)." in text
    assert "Target" not in speed_text.block(results("another", [run()]))


def test_the_table_of_a_busy_machine():
    busy = {"quiet": run(), "1 busy": run(ours=[0.0575] * 3), "quota of one core": run()}
    slow = {"quiet": run(), "1 busy": run(ours=[0.0576] * 3)}
    text = speed_text.block(results(busy=[busy]))
    assert cells(text, "dcgan28 | quiet")[2:] == ["60", "120", "100", "200", "1.20"]
    assert cells(text, "dcgan28 | 1 busy")[-1] == "1.15"
    assert "met by 1 of 3; not by dcgan28, quiet (1.20), dcgan28, quota of one core" in text
    assert "no cgroup" not in text
    text = speed_text.block(results(busy=[slow]))
    assert "met by 0 of 2" in text and "There is no quota of one core" in text


def test_the_file_of_a_processor_keeps_the_last_two_runs(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    monkeypatch.setattr(table, "HERE", tmp_path)
    monkeypatch.setattr(table, "processor", lambda: "A (model 1)")
    for seconds in (0.1, 0.2, 0.3):
        table.add({"shapes": run(ours=[seconds] * 3)})
    table.add({"busy": {"quiet": run()}})
    monkeypatch.setattr(table, "processor", lambda: "B")
    table.add({"shapes": run()})
    names = [path.name for path in sorted((tmp_path / "results").iterdir())]
    assert names == [f"speed-{who}-{cores.cores()}-cores.json" for who in ("a-model-1", "b")]
    kept = json.loads((tmp_path / "results" / names[0]).read_text())
    assert [each["rows"][0]["median"] for each in kept["shapes"]] == [0.2, 0.3]
    assert len(kept["busy"]) == 1
    table.write()
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert text.index("### A (model 1)") < text.index("### B")


def test_what_is_measured(monkeypatch, tmp_path, capsys):
    calls = []

    def bench(names, **options):
        calls.append((list(names), options))
        return run()

    (tmp_path / "results").mkdir()
    (tmp_path / "README.md").write_text(table.BEGIN + table.END)
    monkeypatch.setattr(table, "HERE", tmp_path)
    monkeypatch.setattr(table, "bench", bench)
    monkeypatch.setattr(table, "import_seconds", lambda: 0.1)
    monkeypatch.setattr(table, "one_core", lambda: contextlib.nullcontext())
    monkeypatch.setattr(sys, "argv", ["table.py"])
    table.main()
    (names, options), *busy = calls
    assert names == list(WORKLOADS) and options["threads"] == options["ranks"] == [None, 1]
    assert [(names, options["busy"]) for names, options in busy] == [
        (list(DEFAULT), n) for n in (0, 1, 2, 4)
    ]
    assert "There is no quota of one core" in (tmp_path / "README.md").read_text()
    before = (tmp_path / "README.md").read_bytes()
    monkeypatch.setattr(sys, "argv", ["table.py", "--quick"])
    table.main()
    assert "| dcgan28 | 2 busy |" in capsys.readouterr().out
    assert (tmp_path / "README.md").read_bytes() == before and len(calls) == 7


def test_the_row_with_a_quota_plays_the_same_contenders(monkeypatch):
    def start(command, **options):
        assert command[:2] == ["env", "A=1"]
        args = parser._parser().parse_args(command[command.index("bench") :])
        assert args.threads == [None, 1] and args.against == ["torch-eager"]
        assert args.workloads == ["dcgan28"] and args.seconds == 0.5 and args.busy == 0
        with open(args.o, "w") as file:
            json.dump(run(), file)

    monkeypatch.setattr(table, "one_core", lambda: contextlib.nullcontext(["env", "A=1"]))
    monkeypatch.setattr(subprocess, "run", start)
    assert table.busy(["dcgan28"], 0.5, []) == {"quota of one core": run()}


def test_the_processor_has_a_name():
    assert table.processor()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seconds", "0"], "--seconds: expected a number > 0, got 0.0"),
        (["--seconds", "x"], "argument --seconds: invalid float value: 'x'"),
        (["--write"], "--write: expected a file results/speed-*.json, found none; measure first"),
        (["--only", "gpu"], "argument --only: invalid choice: 'gpu'"),
    ],
)
def test_wrong_input_is_status_2_and_the_reason(monkeypatch, capsys, tmp_path, arguments, message):
    monkeypatch.setattr(table, "HERE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["table.py", *arguments])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(SystemExit) as end:
        table.main()
    assert end.value.code == 2 and message in capsys.readouterr().err


def test_where_no_cgroup_can_be_made_there_is_no_quota(tmp_path):
    root = tree(tmp_path, *v1("-1\n"))
    with quota.one_core(root) as prefix:  # a folder of another file system has no files of a cgroup
        assert prefix is None
    assert [path.name for path in (root / "sys/fs/cgroup/cpu").iterdir()] == ["a"]
    with quota.one_core(tmp_path / "nowhere") as prefix:
        assert prefix is None


def test_a_command_with_a_quota_of_one_core_sees_one_core():
    with quota.one_core() as prefix:
        if prefix is None:
            pytest.skip("no cgroup can be made here; it needs root")
        folder = os.path.dirname(prefix[-1])
        code = "from tinygan.backend.cores import cores, quota; print(cores(), quota())"
        done = subprocess.run([*prefix, sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout.split() == ["1", "1.0"]
        assert os.path.isdir(folder)
    assert not os.path.exists(folder)
