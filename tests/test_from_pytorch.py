"""The page for users of PyTorch: its code runs, without a network, and its tables name what exists.

Code that needs a package which is not installed is skipped."""

import importlib.util
import re
import socket
from pathlib import Path

import numpy as np
import pytest

from tinygan import Tensor, losses, nn, ops, optim

PAGE = Path(__file__).parent.parent / "examples" / "from_pytorch.md"
TEXT = PAGE.read_text(encoding="utf-8")
CODES = [*re.finditer(r"^```python\n(.*?)^```", TEXT, re.M | re.S)]
LOGGERS = {"tensorboard": "logs/*", "mlflow": "mlflow.db", "wandb": "wandb/offline-run-*/*.wandb"}
OPTIONAL = ("torch", *LOGGERS)


def needs(code):
    """The package that the code needs and that may be missing."""
    if "_there" in code or "torch." in code:
        return "torch"
    return next((name for name in LOGGERS if f"{name}." in code or f"import {name}" in code), None)


def run(match, names):
    """Run a piece of code of the page; its lines have their numbers of the page."""
    code = "\n" * TEXT[: match.start(1)].count("\n") + match[1]
    exec(compile(code, PAGE.name, "exec"), names)


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """An empty folder, without a network; a process may still talk to its own children."""
    connect = socket.socket.connect

    def local(self, address):
        assert self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "localhost"), address
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("torch", [False, True], ids=["without PyTorch", "with PyTorch"])
def test_the_code_runs_from_top_to_bottom(offline, torch):
    if torch:
        pytest.importorskip("torch")
    names = {}
    for match in CODES:
        if needs(match[1]) is None or (torch and needs(match[1]) == "torch"):
            run(match, names)
    assert names["table"]["step"].tolist() == [10, 20, 30]
    assert ("generator" in names) == torch


@pytest.mark.parametrize("package", LOGGERS)
@pytest.mark.filterwarnings("default")  # those of the packages are not ours
def test_the_readings_reach_a_logger(offline, package, monkeypatch):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("WANDB_SILENT", "true")
    (match,) = [match for match in CODES if needs(match[1]) == package]
    names = {}
    run(match, names)
    (written,) = offline.glob(LOGGERS[package])
    assert written.stat().st_size > 300
    if package == "mlflow":
        (found,) = names["mlflow"].search_runs(output_format="list")
        last = (offline / "mlflow-run" / "log.csv").read_text().split()[-1].split(",")
        logged = [found.data.metrics[name] for name in ("d_loss", "g_loss", "d_real", "d_fake")]
        np.testing.assert_allclose(logged, [*map(float, last[1:])], rtol=1e-6)
    if package == "tensorboard":
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(offline / "logs")).Reload()
        assert [each.step for each in events.Tensors("d_loss")] == [10, 20, 30]


def test_each_package_has_its_code():
    assert {needs(match[1]) for match in CODES} == {None, *OPTIONAL}


OURS = " ".join(row.split(" | ")[1] for row in TEXT.splitlines() if row.startswith("| "))


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"\b(?:ops|losses|nn|optim|net|x)\.\w+", OURS)))
)
def test_the_names_of_the_tables_exist(name):
    owner, attribute = name.split(".")
    owners = {"ops": ops, "losses": losses, "nn": nn, "optim": optim, "net": nn.Sequential()}
    assert hasattr({**owners, "x": Tensor([1.0])}[owner], attribute)
