"""on_step: the user's function gets each row of log.csv, and its error leaves a saved run."""

import pytest

from tinygan import local_ranks, storage
from tinygan.local_ranks import ranks
from tinygan.training import Config, RunFolder, resume, train

OPTIONS = {"model": "mlp-small", "batch": 16, "sample_every": 4}


class Stop(Exception):
    pass


def trained(out, steps=25, **options):
    return train(Config(**OPTIONS, steps=steps), out, progress=False, **options)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.path.iterdir()}


def stop_at(step):
    def on_step(now, readings):
        if now == step:
            raise Stop(now)

    return on_step


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A run without the function."""
    return trained(tmp_path_factory.mktemp("plain") / "run")


def test_it_gets_the_rows_of_the_log_and_changes_no_bit(tmp_path, plain):
    seen = []

    def on_step(step, readings):
        seen.append([str(step), *(f"{readings.pop(name):.7g}" for name in tuple(readings))])

    watched = trained(tmp_path / "run", on_step=on_step)
    assert [row[0] for row in seen] == ["10", "20", "25"]
    title, *rows = watched.log.read_text().split()
    assert title == "step,d_loss,g_loss,d_real,d_fake" and rows == [",".join(row) for row in seen]
    assert contents(watched) == contents(plain)


def test_its_error_ends_the_training_saved_and_the_run_resumes_to_the_same_bits(tmp_path, plain):
    with pytest.raises(Stop) as raised:
        trained(tmp_path / "run", on_step=stop_at(20))
    assert raised.value.__context__ is None  # one traceback, which ends in the user's function
    assert raised.traceback[-1].path.name == "test_on_step.py"
    folder, seen = RunFolder(tmp_path / "run"), []
    assert storage.load(folder.checkpoint)[1]["step"] == 20
    resume(folder.path, progress=False, on_step=lambda step, readings: seen.append(step))
    assert seen == [25] and contents(folder) == contents(plain)


@pytest.mark.skipif(not local_ranks.can_fork(), reason="needs fork and memfd_create")
def test_it_is_called_on_rank_0_alone_and_its_error_ends_all_ranks(tmp_path, capfd):
    seen = []
    with ranks(2) as comm:

        def on_step(step, readings):
            seen.append(step)
            assert comm.rank == 0

        trained(tmp_path / "whole", on_step=on_step, comm=comm)
        assert seen == [] if comm.rank else [10, 20, 25]
    with pytest.raises(Stop), ranks(2) as comm:
        trained(tmp_path / "run", on_step=stop_at(10), comm=comm)
    assert storage.load(tmp_path / "run" / "checkpoint.safetensors")[1]["step"] == 10
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("call", [trained, resume])
def test_anything_but_a_function_is_refused_before_a_folder_is_touched(tmp_path, call):
    with pytest.raises(
        TypeError, match=r"^on_step: expected a function of step and readings, got "
    ):
        call(tmp_path / "run", on_step="tensorboard")
    assert not (tmp_path / "run").exists()
