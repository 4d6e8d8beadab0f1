"""verify reports whether a run repeats bit for bit, or the first round after which it differs."""

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
def frequent_hashes(narrow_2014_of_module):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "HASH_EVERY", 5)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of twelve rounds, next to its checkpoint after the seventh."""
    folder = tmp_path_factory.mktemp("verify")
    config = Config(model="mlp-2014", batch=4, steps=7, label_noise=0.1)
    path = train(config, folder / "run", progress=False).path
    shutil.copy(path / "checkpoint.safetensors", folder / "seventh.safetensors")
    return resume(path, steps=12, progress=False).path


@pytest.fixture
def copy(tmp_path, run):
    """A copy of the run, which a test changes."""
    return shutil.copytree(run, tmp_path / "run")


def contents(path):
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(path.iterdir())}


def rewrite(run, change):
    """Replace the text of states.jsonl by `change(text)`."""
    path = run / "states.jsonl"
    path.write_text(change(path.read_text()))


def change_lines(change):
    """The change of a text that applies `change` to the list of its lines."""
    return lambda text: "".join(change(text.splitlines(keepends=True)))


def drop_lines(*parts):
    """The change of a text that removes the lines that contain any of the parts."""
    return change_lines(
        lambda all: (line for line in all if not any(part in line for part in parts))
    )


def append_line(**line):
    return lambda text: f"{text}{json.dumps(line)}\n"


def changed_checkpoint(source, target, change):
    arrays, meta = storage.load(source)
    storage.save(target, *change(arrays, meta))
    return target


def test_a_run_records_its_states_and_its_environment(run):
    made, *states = map(json.loads, (run / "states.jsonl").read_text().splitlines())
    assert made == {"made_with": {**environment.describe("numpy"), "ranks": 1}}
    assert [state["step"] for state in states] == [0, 5, 7, 10, 12]
    assert len({state["sha256"] for state in states}) == 5
    assert made["made_with"].keys() >= {"numpy", "ranks", "processor"}


@pytest.mark.parametrize(
    ("argv", "agreed"),
    [([], "5 from round 0 to 12"), (["--from", "{}/seventh.safetensors"], "3 from round 7 to 12")],
)
def test_a_run_agrees_and_is_not_changed(run, capsys, tmp_path, monkeypatch, argv, agreed):
    monkeypatch.chdir(tmp_path)
    before = contents(run)
    assert main(["verify", str(run), *(a.format(run.parent) for a in argv)]) == 0
    assert capsys.readouterr().out == f"{run}: all states agree, {agreed}\n"
    assert contents(run) == before and os.listdir(tmp_path) == []


def test_the_state_in_the_checkpoint_is_compared_too(copy, run):
    """Here states.jsonl has no line for its round."""
    checkpoint = copy / "checkpoint.safetensors"
    shutil.copy(run.parent / "seventh.safetensors", checkpoint)
    rewrite(copy, change_lines(lambda all: all[:3]))
    assert verify(copy).agreed == (0, 5, 7)

    def moved(arrays, meta):
        data = {**meta["data"], "position": meta["data"]["position"] + 1}
        return arrays, {**meta, "data": data}

    changed_checkpoint(checkpoint, checkpoint, moved)
    assert verify(copy).differs == 7


def test_the_first_state_that_differs_is_printed(copy, capsys):
    text = (copy / "states.jsonl").read_text()
    at = text.index('"step": 10') + len('"step": 10, "sha256": "')
    changed = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
    rewrite(copy, lambda text: changed)
    assert main(["verify", str(copy)]) == 1
    out = capsys.readouterr().out
    assert f"{copy}: the state after round 10 differs; it agreed until round 7" in out
    recorded = f"recorded {changed[at : at + 64]} in states.jsonl"
    assert f"{recorded}\n  now      {text[at : at + 64]}" in out


@pytest.mark.parametrize("part", ["G", "D", "ema", "opt_g", "opt_d"])
def test_a_change_of_the_last_bit_of_any_part_is_found(tmp_path, run, part):
    arrays, meta = storage.load(run.parent / "seventh.safetensors")
    for name in [name for name in arrays if name.startswith(f"{part}/")]:
        changed = arrays[name].copy()
        changed.reshape(-1).view(np.uint8)[0] ^= 1
        storage.save(tmp_path / "changed.safetensors", {**arrays, name: changed}, meta)
        found = verify(run, start=tmp_path / "changed.safetensors")
        assert found.differs == 7 and found.agreed == ()


@pytest.mark.parametrize("part", ["data", "rngs", "ema_updates"])
def test_a_change_of_the_position_in_any_stream_is_found(tmp_path, run, part):
    def moved(arrays, meta):
        other = Session(Config.from_dict(meta["config"]))
        for _ in range(3):
            other.play_round()
        return arrays, {**meta, part: other.state()[1][part]}

    path = tmp_path / "changed.safetensors"
    changed_checkpoint(run.parent / "seventh.safetensors", path, moved)
    assert verify(run, start=path).differs == 7


def test_a_defect_in_a_round_is_found(run, monkeypatch):
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


def test_another_environment_is_a_warning(copy, capsys):
    def elsewhere(all):
        made = json.loads(all[0])["made_with"]
        first = {**made, "numpy": "1.0", "blas_threads": 96, "device": "a GPU"}
        for line in (first, {**made, "processor": "another"}):
            yield json.dumps({"made_with": line}) + "\n"
        yield from all[1:]

    rewrite(copy, change_lines(elsewhere))
    assert main(["verify", str(copy)]) == 0
    *warnings, verdict = capsys.readouterr().out.splitlines()
    names = [line.split(":")[0] for line in warnings]
    assert names == ["! numpy", "! blas threads", "! device", "! processor"]
    assert f"numpy: recorded 1.0, now {np.__version__}: equal bits are promised only" in warnings[0]
    assert "recorded a GPU, now None" in warnings[2] and "all states agree" in verdict


def test_other_kernels_of_blas_are_a_warning(copy, monkeypatch, capsys):
    monkeypatch.setattr(environment, "kernels", lambda: "an abacus")
    assert main(["verify", str(copy)]) == 0
    warning, _ = capsys.readouterr().out.splitlines()
    assert warning.startswith("! blas: recorded ") and "an abacus: equal bits" in warning


def test_a_resumed_run_records_its_new_environment(copy, monkeypatch):
    there = {**environment.describe("numpy"), "numpy": "9.0", "ranks": 1}
    monkeypatch.setattr(loop, "surroundings", lambda backend, comm: there)
    resume(copy, steps=14, progress=False)
    resume(copy, steps=16, progress=False)
    lines = [json.loads(line) for line in (copy / "states.jsonl").read_text().splitlines()]
    assert [line.get("step", "made with") for line in lines] == [
        *("made with", 0, 5, 7, 10, 12),
        *("made with", 14, 15, 16),
    ]
    assert lines[6] == {"made_with": there}
    assert verify(copy).warnings == (f"numpy: recorded 9.0, now {np.__version__}",)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays, meta: ({**arrays, "G/0.bias": arrays["G/0.bias"] + 1}, meta),
        lambda arrays, meta: (arrays, {**meta, "ema_updates": 1}),
    ],
    ids=["another array", "another number"],
)
def test_a_change_of_the_last_checkpoint_is_found(copy, change):
    """states.jsonl has a line for its round, but the checkpoint itself is compared too."""
    path = copy / "checkpoint.safetensors"
    changed_checkpoint(path, path, change)
    found = verify(copy)
    assert found.differs == 12 and found.agreed == (0, 5, 7, 10) and found.played == 12
    assert found.file == "checkpoint.safetensors"


def test_the_report_says_that_no_round_was_played(run, capsys):
    assert main(["verify", str(run), "--from", str(run)]) == 0
    assert "agree, 1 from round 12 to 12; no round was played" in capsys.readouterr().out


@pytest.mark.parametrize("parts", [["5"], ["7", "10"], ["7", "10", "12"]])
def test_a_missing_hash_is_an_error(copy, monkeypatch, parts):
    monkeypatch.setattr(verification, "HASH_EVERY", 5)
    assert verify(copy).differs is None
    rewrite(copy, drop_lines(*(f'step": {part},' for part in parts)))
    with pytest.raises(InputError, match=r"has no hash between steps [05] and (7|12);"):
        verify(copy)


def test_a_run_whose_states_were_removed_is_verified_from_where_it_was_resumed(copy):
    (copy / "states.jsonl").unlink()
    resume(copy, steps=14, progress=False)
    assert verify(copy).agreed == (14,)


HASH, DAMAGED = "0" * 64, r"states.jsonl: damaged at '{\"(step|made)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (append_line(step=12, sha256=HASH), DAMAGED),
        (append_line(step=11, sha256=HASH), DAMAGED),
        (append_line(step=13, sha256="zz"), DAMAGED),
        (append_line(step=13, sha256=HASH + "0"), DAMAGED),
        (append_line(step=13, sha256=0), DAMAGED),
        (append_line(step=13.0, sha256=HASH), DAMAGED),
        (append_line(made_with=[]), DAMAGED),
        (append_line(step=10**11, sha256=HASH), "has no hash between steps 12 and 100000000000"),
        (drop_lines("made_with"), "expected made_with, or a later step"),
        (change_lines(lambda all: all[1:] + all[:1]), "expected made_with, or a later step"),
    ],
)
def test_lines_that_no_run_writes_are_refused(copy, change, message):
    rewrite(copy, change)
    with pytest.raises(InputError, match=message):
        verify(copy)


def of_another_model(run):
    arrays, meta = Session(Config(model="mlp-small")).state()
    storage.save(run / "x", {**arrays, "frames": np.zeros((1, 8, 8), np.uint8)}, meta)


def no_arrays(run):
    changed_checkpoint(run / "checkpoint.safetensors", run / "x", lambda arrays, meta: ({}, meta))


def later_than_the_states(run):
    (run / "checkpoint.safetensors").rename(run / "x")
    shutil.copy(run.parent / "seventh.safetensors", run / "checkpoint.safetensors")
    rewrite(run, drop_lines('step": 10', 'step": 12'))


def other_images(run):
    path = run / "checkpoint.safetensors"
    changed_checkpoint(path, path, lambda arrays, meta: (arrays, {**meta, "images_sha256": HASH}))


BAD = {
    "no run": (None, "{}/nowhere", "there is no such run folder"),
    "no hashes": (lambda run: (run / "states.jsonl").unlink(), "{}", "holds no hashes"),
    "no checkpoint": (None, "{} --from {}/x", "x: there is no such checkpoint"),
    "another model": (of_another_model, "{} --from {}/x", "is not a checkpoint of this run"),
    "a picture": (None, "{} --from {}/samples.png", "samples.png: damaged or no safetensors file"),
    "no arrays": (
        no_arrays,
        "{} --from {}/x",
        "x: does not fit model 'mlp-2014' on images of shape [1, 28, 28]: ",
    ),
    "later": (
        later_than_the_states,
        "{} --from {}/x",
        "x: was saved after round 12, but the last hash in",
    ),
    "other images": (other_images, "{}", "the images of digits are not those that the run was"),
    "no argument": (None, "", "the following arguments are required: RUN"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(copy, run, capsys, case):
    spoil, argv, message = BAD[case]
    shutil.copy(run.parent / "seventh.safetensors", copy.parent)
    if spoil is not None:
        spoil(copy)
    assert main(["verify", *(part.format(copy) for part in argv.split())]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and not out


def test_the_rounds_are_counted_on_a_terminal(run, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["verify", str(run)]) == 0
    assert "\rround 12 of 12" in capsys.readouterr().err
    assert main(["verify", str(run), "--quiet"]) == 0
    assert capsys.readouterr().err == ""
