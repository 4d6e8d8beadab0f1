"""A run's checkpoint is believed only if its fields and arrays are those of a run: each wrong one
is refused with its name, before a network is built or an image is read."""

import itertools

import numpy as np
import pytest

from tinygan import InputError, models, storage
from tinygan.data import catalog
from tinygan.gan import PENALTIES
from tinygan.optim import OPTIMIZERS
from tinygan.training import Config, RunFolder, Sampler, resume, train, verify
from tinygan.training.fields import FIELDS, RNGS, check
from tinygan.training.networks import outline
from tinygan.training.session import Session

CONFIG = Config(model="mlp-small", batch=2, steps=1)


@pytest.fixture(scope="module", params=["numpy", "philox"])
def whole(request, tmp_path_factory):
    """The arrays and fields of a run's checkpoint, its folder, and where its numbers come from."""
    config = Config(model="mlp-small", batch=2, steps=1, rng=request.param)
    folder = train(config, tmp_path_factory.mktemp("fields") / "run", progress=False)
    return *storage.load(folder.checkpoint), folder, request.param


def placed(meta, path, value):
    name, _, rest = path.partition("/")
    return {**meta, name: placed(meta[name], rest, value) if rest else value}


def found(meta, path):
    for name in path.split("/"):
        meta = meta[name]
    return meta


WRONG = (None, True, -1, -9, -10, 1.5, 1e308, float("nan"), "7", 10**400, [], [1], {"a": 1})


def test_every_field_has_a_type_and_a_range(whole):
    _, meta, _, source = whole
    fields = FIELDS | RNGS[source]
    check(meta)
    for path, value in itertools.product(fields, WRONG):
        if path == "config" and isinstance(value, dict):
            continue  # see test_fuzz.py
        if path == "format":
            expected = "the checkpoint has format"
        else:
            expected = path if not isinstance(value, dict) else f"{path}(/a)?"
        with pytest.raises(InputError, match=rf"^'?{expected}\b") as caught:
            check(placed(meta, path, value))
        assert len(str(caught.value)) < 300 and str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("path", "low", "high"),
    [
        ("step", 0, 2**53),
        ("ema_updates", 0, 2**53),
        ("data/seed", 0, 2**63 - 1),
        ("data/epoch", 0, 2**53),
        ("rngs/game/state/state", 0, 2**128 - 1),
        ("rngs/game/has_uint32", 0, 1),
    ],
)
def test_a_range_has_its_bounds(whole, path, low, high):
    _, meta, _, source = whole
    if path not in FIELDS | RNGS[source]:
        pytest.skip("a field of the other kind of generator")
    for value in (low, high):
        check(placed(meta, path, value))
    for value in (low - 1, high + 1):
        with pytest.raises(InputError, match=f"{path}: expected a whole number from {low} to"):
            check(placed(meta, path, value))


def test_a_field_may_not_be_missing_nor_added(whole):
    _, meta, *_ = whole
    for name in meta:
        less = {key: value for key, value in meta.items() if key != name}
        with pytest.raises(InputError, match=rf"{name}.*missing|has format 1"):
            check(less)
    with pytest.raises(InputError, match="'more': unexpected"):
        check({**meta, "more": 1})


@pytest.mark.parametrize("value", [-10, -9, 1.5, "7", True, 10**400])
@pytest.mark.parametrize("name", ["step", "ema_updates"])
def test_every_command_refuses_a_number_out_of_range(whole, tmp_path, name, value):
    arrays, meta, *_ = whole
    path = tmp_path / "checkpoint.safetensors"
    storage.save(path, arrays, {**meta, name: value})
    (tmp_path / "states.jsonl").write_bytes(whole[2].states.path.read_bytes())
    for read in (
        lambda: resume(tmp_path, steps=2, progress=False),
        lambda: verify(tmp_path),
        lambda: verify(whole[2].path, start=path),
        RunFolder(tmp_path).load,
    ):
        with pytest.raises(InputError, match=rf"checkpoint\.safetensors: {name}: expected a whole"):
            read()


def test_the_writer_checks_the_same_table(whole, tmp_path):
    session = Session(CONFIG)
    session.step = -1
    folder = RunFolder.new(CONFIG, tmp_path / "run")
    with pytest.raises(InputError, match="step: expected a whole number"):
        folder.save(session, [np.zeros((8, 8), np.uint8)])
    assert not folder.checkpoint.exists()


@pytest.mark.parametrize("model", models.MODELS)
def test_the_outline_of_a_run_has_the_shapes_of_its_state(model, monkeypatch, narrow_2014):
    size = 32 if model == "dcgan32" else 28
    for channels, name, penalty in zip(
        (1, 3, 1), OPTIMIZERS, ("none", *itertools.islice(PENALTIES, 1, 3)), strict=True
    ):
        images = np.zeros((3, channels, size, size), np.uint8)
        data = catalog.Dataset("digits", images, None, None)
        entry = catalog.Entry(lambda split, data=data: data)
        monkeypatch.setitem(catalog.DATASETS, "digits", entry)
        config = Config(model=model, optimizer=name, penalty=penalty)
        arrays, _ = Session(config).state()
        assert outline(config, images.shape[1:]) == {k: a.shape for k, a in arrays.items()}


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [1, 2000, 2000]},
        {"shape": [1, 1024, 1024]},
        {"shape": [3, 28, 28]},
        {"model": "mlp-2014"},
        {"model": "mlp-mid"},
        {"model": "dcgan28"},
        {"model": "dcgan", "shape": [3, 128, 128]},
        {"width": 10.0},
        {"optimizer": "sgd"},
        {"data": "folder:/", "size": 1024, "mode": "color"},
    ],
    ids=str,
)
def test_nothing_large_is_built_from_a_claim(whole, tmp_path, monkeypatch, change):
    """No network that is built has more numbers than the checkpoint."""
    arrays, meta, *_ = whole
    options = {name: value for name, value in change.items() if name != "shape"}
    shape = change.get("shape", meta["shape"])
    claim = {**meta, "shape": shape, "config": {**meta["config"], **options}}
    path = tmp_path / "checkpoint.safetensors"
    storage.save(path, arrays, claim)
    stored, sizes = sum(array.size for array in arrays.values()), []
    build = models.build

    def counted(name, images, *, rng, width=1.0):
        pair = build(name, images, rng=rng, width=width)
        sizes.append(sum(p.size for net in (pair.G, pair.D) for p in net.parameters()))
        return pair

    monkeypatch.setattr(models, "build", counted)
    monkeypatch.setattr("tinygan.training.session.load", lambda *args, **options: pytest.fail())
    words = r"checkpoint\.safetensors: (does not fit|shape: expected)"
    with pytest.raises(InputError, match=words):
        RunFolder(tmp_path).load()
    if "optimizer" not in change and "data" not in change:
        with pytest.raises(InputError, match="holds no generator"):
            Sampler(path)
    assert max(sizes, default=0) <= 4 * max(stored, 10**6)


def test_samples_need_the_number_of_rounds(whole, tmp_path):
    arrays, meta, *_ = whole
    path = tmp_path / "checkpoint.safetensors"
    storage.save(path, arrays, {name: meta[name] for name in meta.keys() - {"step"}})
    with pytest.raises(InputError, match=r"holds no generator .*step: missing"):
        Sampler(path)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("G/0.weight", lambda a: a.astype(np.float64), "is float64"),
        ("opt_g/t", lambda a: np.array(1e300), "is float64"),
        ("opt_g/t", lambda a: np.array(-1), "is -1, expected 0 to"),
        ("opt_d/m", lambda a: a[:-1], "expected float32"),
        ("ema/0.bias", lambda a: a.reshape(-1, 1), "expected float32"),
    ],
)
def test_an_array_has_the_dtype_the_shape_and_the_range_of_a_run(
    whole, tmp_path, name, change, words
):
    arrays, meta, *_ = whole
    path = tmp_path / "checkpoint.safetensors"
    storage.save(path, {**arrays, name: change(arrays[name])}, meta)
    with pytest.raises(InputError, match=f"safetensors: does not fit .*{name}.*{words}"):
        RunFolder(tmp_path).load()
