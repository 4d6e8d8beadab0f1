"""verify says whether a run can be had again, bit for bit, and where not; it changes nothing."""

import json
import os
import shutil
import sys

import numpy as np
import pytest

from tinygan import InputError, environment, storage
from tinygan.commands.parser import main
from tinygan.training import Config, Session, loop, resume, train, verification, verify


@pytest.fixture(scope="module", autouse=True)
def often(narrow_2014_of_module):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "HASH_EVERY", 5)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of twelve rounds, and a checkpoint of its seventh."""
    folder = tmp_path_factory.mktemp("verify")
    config = Config(model="mlp-2014", batch=4, steps=7, label_noise=0.1)
    path = train(config, folder / "run", progress=False).path
    shutil.copy(path / "checkpoint.safetensors", folder / "seventh.safetensors")
    return resume(path, steps=12, progress=False).path


def contents(path):
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(path.iterdir())}


def test_a_run_records_its_states_and_what_it_was_made_with(run):
    made, *states = map(json.loads, (run / "states.jsonl").read_text().splitlines())
    assert made == {"made_with": {**environment.describe("numpy"), "ranks": 1}}
    assert [state["step"] for state in states] == [0, 5, 7, 10, 12]
    assert len({state["sha256"] for state in states}) == 5
    assert made["made_with"].keys() >= {"numpy", "blas_threads", "processor"}


@pytest.mark.parametrize(
    ("argv", "agreed"),
    [([], "5 from step 0 to 12"), (["--from", "{}/seventh.safetensors"], "3 from step 7 to 12")],
)
def test_an_honest_run_agrees_and_stays_as_it_is(run, capsys, tmp_path, monkeypatch, argv, agreed):
    monkeypatch.chdir(tmp_path)
    before = contents(run)
    assert main(["verify", str(run), *(a.format(run.parent) for a in argv)]) == 0
    assert capsys.readouterr().out == f"{run}: all states agree, {agreed}\n"
    assert contents(run) == before and os.listdir(tmp_path) == []


def test_the_checkpoint_of_a_run_in_its_middle_counts(tmp_path, run):
    """It is no step of the log here, and is compared all the same."""
    path = tmp_path / "run"
    shutil.copytree(run, path)
    shutil.copy(run.parent / "seventh.safetensors", path / "checkpoint.safetensors")
    lines = (run / "states.jsonl").read_text().splitlines(keepends=True)
    (path / "states.jsonl").write_text("".join(lines[:3]))
    assert verify(path).agreed == (0, 5, 7)
    arrays, meta = storage.load(path / "checkpoint.safetensors")
    meta["data"]["position"] += 1
    storage.save(path / "checkpoint.safetensors", arrays, meta)
    assert verify(path).differs == 7


@pytest.fixture
def spoilt(tmp_path, run):
    shutil.copytree(run, tmp_path / "run")
    return tmp_path / "run"


def test_the_first_state_that_differs_is_named(spoilt, capsys):
    path = spoilt / "states.jsonl"
    text = path.read_text()
    at = text.index('"step": 10') + len('"step": 10, "sha256": "')
    changed = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
    path.write_text(changed)
    assert main(["verify", str(spoilt)]) == 1
    out = capsys.readouterr().out
    assert f"{spoilt}: the state at step 10 differs; it agreed until step 7" in out
    recorded = f"recorded {changed[at : at + 64]} in states.jsonl"
    assert f"{recorded}\n  now      {text[at : at + 64]}" in out


@pytest.mark.parametrize("part", ["G", "D", "ema", "opt_g", "opt_d"])
def test_a_change_of_the_last_bit_of_any_part_is_seen(tmp_path, run, part):
    arrays, meta = storage.load(run.parent / "seventh.safetensors")
    for name in [name for name in arrays if name.startswith(f"{part}/")]:
        numbers = bytearray(arrays[name].tobytes())
        numbers[0] ^= 1
        changed = np.frombuffer(numbers, arrays[name].dtype).reshape(arrays[name].shape)
        storage.save(tmp_path / "changed.safetensors", {**arrays, name: changed}, meta)
        found = verify(run, start=tmp_path / "changed.safetensors")
        assert found.differs == 7 and found.agreed == ()


@pytest.mark.parametrize("part", ["data", "rngs", "ema_updates"])
def test_a_change_of_the_position_in_any_stream_is_seen(tmp_path, run, part):
    arrays, meta = storage.load(run.parent / "seventh.safetensors")
    other = Session(Config.from_dict(meta["config"]))
    for _ in range(3):
        other.play_round()
    meta[part] = other.state()[1][part]
    storage.save(tmp_path / "changed.safetensors", arrays, meta)
    assert verify(run, start=tmp_path / "changed.safetensors").differs == 7


def test_a_defect_in_a_round_is_seen(run, monkeypatch):
    play = Session.play_round

    def defect(self):
        result = play(self)
        if self.step == 9:
            weight = self.D.parameters()[0].data
            weight.flat[0] = np.nextafter(weight.flat[0], np.float32(1))
        return result

    monkeypatch.setattr(Session, "play_round", defect)
    found = verify(run)
    assert found.differs == 10 and found.agreed == (0, 5, 7) and found.recorded != found.now


def test_another_machine_is_told(spoilt, capsys):
    path = spoilt / "states.jsonl"
    made, *states = path.read_text().splitlines()
    recorded = json.loads(made)
    recorded["made_with"] |= {"numpy": "1.0", "blas_threads": 96, "device": "a GPU"}
    later = json.loads(made)
    later["made_with"] |= {"processor": "another"}
    path.write_text(
        "\n".join([json.dumps(recorded), states[0], json.dumps(later), *states[1:], ""])
    )
    assert main(["verify", str(spoilt)]) == 0
    *warnings, verdict = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in warnings] == [
        "! numpy",
        "! blas threads",
        "! device",
        "! processor",
    ]
    assert f"numpy: recorded 1.0, now {np.__version__}: equal bits are promised only" in warnings[0]
    assert "recorded a GPU, now None" in warnings[2] and "all states agree" in verdict


def test_a_resumed_run_records_that_it_goes_on_elsewhere(spoilt, monkeypatch):
    there = {**environment.describe("numpy"), "numpy": "9.0", "ranks": 1}
    monkeypatch.setattr(loop, "surroundings", lambda backend, comm: there)
    resume(spoilt, steps=14, progress=False)
    resume(spoilt, steps=16, progress=False)
    lines = [json.loads(line) for line in (spoilt / "states.jsonl").read_text().splitlines()]
    assert [line.get("step", "made with") for line in lines] == [
        *("made with", 0, 5, 7, 10, 12),
        *("made with", 14, 15, 16),
    ]
    assert lines[6] == {"made_with": there}
    assert verify(spoilt).warnings == (f"numpy: recorded 9.0, now {np.__version__}",)


def test_a_checkpoint_that_was_changed_after_the_last_round_is_seen(spoilt):
    """Its step is in the log; what is in it is compared all the same."""
    path = spoilt / "checkpoint.safetensors"
    arrays, meta = storage.load(path)
    name = next(name for name in arrays if name.startswith("G/"))
    changes = ({**arrays, name: arrays[name] + 1}, meta), ({**arrays, "G/more": arrays[name]}, meta)
    for changed in (*changes, (arrays, {**meta, "ema_updates": -1})):
        storage.save(path, *changed)
        found = verify(spoilt)
        assert found.differs == 12 and found.agreed == (0, 5, 7, 10) and found.played == 12
        assert found.file == "checkpoint.safetensors"


def test_that_no_round_was_played_is_told(run, capsys):
    assert main(["verify", str(run), "--from", str(run)]) == 0
    assert "agree, 1 from step 12 to 12; no round was played" in capsys.readouterr().out


def without(run, *parts):
    """Leave out the lines of its states that have any of the parts."""
    path = run / "states.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not any(part in line for part in parts)))


def test_a_hash_that_is_missing_is_told(spoilt, monkeypatch):
    monkeypatch.setattr(verification, "HASH_EVERY", 5)
    assert verify(spoilt).differs is None
    whole = (spoilt / "states.jsonl").read_text()
    for parts in (['step": 5'], ['step": 7', 'step": 10'], ['step": 7', 'step": 10', 'step": 12']):
        without(spoilt, *parts)
        with pytest.raises(InputError, match=r"has no hash between steps [05] and (7|12);"):
            verify(spoilt)
        (spoilt / "states.jsonl").write_text(whole)


def test_a_run_whose_states_were_removed_is_verified_from_where_it_went_on(spoilt):
    (spoilt / "states.jsonl").unlink()
    resume(spoilt, steps=14, progress=False)
    assert verify(spoilt).agreed == (14,)


@pytest.mark.parametrize(
    "line",
    [
        {"step": 12, "sha256": "0" * 64},
        {"step": 11, "sha256": "0" * 64},
        {"step": 13, "sha256": "zz"},
        {"step": 13, "sha256": "0" * 65},
        {"step": 13, "sha256": 0},
        {"step": 13.0, "sha256": "0" * 64},
        {"made_with": []},
    ],
    ids=str,
)
def test_lines_that_no_run_writes_are_damage(spoilt, line):
    path = spoilt / "states.jsonl"
    path.write_text(path.read_text() + json.dumps(line) + "\n")
    with pytest.raises(InputError, match=r"states.jsonl: damaged at '{\"(step|made)"):
        verify(spoilt)


def test_a_step_that_no_run_reaches_is_not_played_to(spoilt):
    path = spoilt / "states.jsonl"
    path.write_text(path.read_text() + json.dumps({"step": 10**11, "sha256": "0" * 64}) + "\n")
    with pytest.raises(InputError, match="has no hash between steps 12 and 100000000000"):
        verify(spoilt)


def test_states_begin_with_what_they_were_made_with(spoilt):
    without(spoilt, "made_with")
    with pytest.raises(InputError, match="expected made_with, or a later step"):
        verify(spoilt)


BAD = {
    "no run": (lambda run: None, ["{}/nowhere"], "there is no such run folder"),
    "no hashes": (lambda run: (run / "states.jsonl").unlink(), ["{}"], "holds no hashes"),
    "no checkpoint": (lambda run: None, ["{}", "--from", "{}/x"], "x: there is no such checkpoint"),
    "no checkpoint of it": (
        lambda run: storage.save(run / "x", {}, {"config": {"model": "mlp-mid"}}),
        ["{}", "--from", "{}/x"],
        "is no checkpoint of this run",
    ),
    "a picture": (
        lambda run: None,
        ["{}", "--from", "{}/samples.png"],
        "samples.png: damaged or no safetensors file",
    ),
    "a half": (
        lambda run: storage.save(run / "x", {}, storage.load(run / "checkpoint.safetensors")[1]),
        ["{}", "--from", "{}/x"],
        "x: the checkpoint does not fit",
    ),
    "later than the log": (
        lambda run: (
            shutil.copy(run / "checkpoint.safetensors", run / "x"),
            shutil.copy(run.parent / "seventh.safetensors", run / "checkpoint.safetensors"),
            without(run, 'step": 10', 'step": 12'),
        ),
        ["{}", "--from", "{}/x"],
        "x: is of step 12, but the last hash in",
    ),
    "no argument": (lambda run: None, [], "the following arguments are required: RUN"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(spoilt, run, capsys, case):
    spoil, argv, message = BAD[case]
    shutil.copy(run.parent / "seventh.safetensors", spoilt.parent)
    spoil(spoilt)
    assert main(["verify", *(a.format(spoilt) for a in argv)]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and not out


def test_other_images_are_told(spoilt):
    path = spoilt / "checkpoint.safetensors"
    arrays, meta = storage.load(path)
    storage.save(path, arrays, {**meta, "images_sha256": "0" * 64})
    with pytest.raises(InputError, match="images of digits are not those that the run was"):
        verify(spoilt)


def test_the_rounds_are_counted_on_a_terminal(run, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["verify", str(run)]) == 0
    assert "\rround 12 of 12" in capsys.readouterr().err
    assert main(["verify", str(run), "--quiet"]) == 0
    assert capsys.readouterr().err == ""
