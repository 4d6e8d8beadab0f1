"""Run examples over seeds and write README.md next to this file: sentences, pictures and figures.

    python examples/gallery.py                              all, with their defaults, for seed 0
    python examples/gallery.py --seeds 5 --jobs 2           all, two at a time: about an hour
    python examples/gallery.py dcgan --first 5 --seeds 15   the seeds 5 to 19 of one
    python examples/gallery.py --full vae                   the long protocol

The recorded commit is that of the installed package; `pip install -e .` makes it known. Each run is
a process of its own and writes to a folder below `out/` of the current folder. figures.json keeps
the results of each run with its seed, commit, machine and time. Results of other examples, and of
other seeds with as many rounds, stay there.
"""

# %%
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

from tinygan.errors import InputError, choose, first_line
from tinygan.experiments.findings import HEADINGS, Finding, number, table
from tinygan.experiments.options import Parser, or_stop, whole
from tinygan.files import read
from tinygan.storage import atomic

HERE = Path(__file__).resolve().parent
RECORDS, README, THUMBNAILS = HERE / "figures.json", HERE / "README.md", HERE / "thumbnails"
FIRST = "first_gan", "gan_on_one_page"  # they have a picture and no results


def place(name: str) -> tuple[int, str]:
    """The place of an example in the order to read them: that of the table in the README."""
    table = (HERE.parent / "README.md").read_text(encoding="utf-8")
    return table.find(f"thumbnails/{name}.png"), name


EXAMPLES = sorted(
    {path.stem for path in HERE.glob("*.py")} - {"gallery", "notebooks", *FIRST}, key=place
)
WIDE, COLORS = 480, 64  # maximum width and number of colors of a thumbnail
Record = dict[str, Any]
LIMIT = 1 << 24  # bytes of figures.json
DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)

INTRODUCTION = """# Examples

Each file is one system. `python examples/NAME.py` runs it on the embedded digits, or on data that
it generates, and saves pictures in `out/NAME/`. `--full` is the long protocol; `--help` shows all
options. `python examples/gallery.py --seeds 5` writes this page.

Over several seeds, figures are means and standard deviations, and "met" says how many runs meet the
target, and whether the mean does. Sentences are those of one run, whose seed stands before them. A
picture is of seed 0.

Two files come first: [first_gan.py](first_gan.py) trains a GAN with tinygan in 50 lines, and
[gan_on_one_page.py](gan_on_one_page.py) does so with NumPy alone, derivatives included, in 150.
"""


def folder(name: str, seed: int) -> Path:
    """The folder with the pictures of a run."""
    return Path("out", "gallery", f"seed-{seed}", "out", name)


def run(name: str, seed: int, full: bool, threads: dict[str, str]) -> Record:
    """Run an example with the environment variables `threads`, and return its record.

    Raises RuntimeError if it fails."""
    where = folder(name, seed).parent.parent
    where.mkdir(parents=True, exist_ok=True)
    options = ["--seed", str(seed), *(["--full"] if full else [])]
    script = [sys.executable, str(HERE / f"{name}.py")]
    environment = os.environ | threads
    done = subprocess.run(
        [*script, *options], cwd=where, capture_output=True, encoding="utf-8", env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{name}.py {' '.join(options)} failed:\n{done.stderr[-2000:]}")
    record: Record = json.loads((folder(name, seed) / "figures.json").read_text(encoding="utf-8"))
    return record


def thumbnail(name: str, picture: Path) -> None:
    """Save a small copy of a picture for the gallery."""
    THUMBNAILS.mkdir(exist_ok=True)
    with Image.open(picture) as image:
        small = image.convert("RGB")
        small.thumbnail((WIDE, WIDE))
        with atomic(THUMBNAILS / f"{name}.png") as file:
            small.quantize(COLORS).save(file, format="PNG", optimize=True)


def section(runs: list[Record]) -> Iterator[str]:
    """The lines of README.md about an example, from the records of its runs, one for each seed."""
    first, shown = runs[0], runs[0]["pictures"]
    name, full = first["example"], " --full" if first["full"] else ""
    yield f"\n## [{name}.py]({name}.py){full}\n"
    yield (HERE / f"{name}.py").read_text(encoding="utf-8").split("\n")[0].strip('"')
    yield f"\n![{name}](thumbnails/{name}.png)"
    if first["sentences"]:
        yield f"\nWith seed {first['seed']}:"
    yield from (f"\n{sentence}" for sentence in first["sentences"])
    # Items of a list, so in lower case, unless the first word is a symbol such as D or G(z).
    captions = {p: c[:1].lower() + c[1:] if c[1:2].islower() else c for p, c in shown.items()}
    yield "\nPictures: " + "; ".join(f"`{p}`, {caption}" for p, caption in captions.items())
    yield f"\n| {' | '.join(HEADINGS)} |\n| {' | '.join(['---'] * len(HEADINGS))} |"
    for row in table([[Finding(**finding) for finding in each["findings"]] for each in runs]):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    seeds = ", ".join(str(each["seed"]) for each in runs)
    data = f" on {first['data']}" if first["data"] else ""
    times = [each["cpu_seconds"] for each in runs]
    spent = " to ".join(dict.fromkeys((number(min(times), 3), number(max(times), 3))))
    yield f"\nSeeds {seeds}; {first['steps']} rounds{data}; {spent} s of CPU a run"
    yield from machines([each["machine"] for each in runs])


def machines(used: list[Record]) -> Iterator[str]:
    """A line for each machine on which runs were made, with its commits and dates."""
    lines: dict[str, list[Record]] = {}
    for each in used:
        place = f"{each['processor']}, BLAS on {each['blas_threads']} of {each['cores']} cores"
        lines.setdefault(place, []).append(each)
    for place, same in sorted(lines.items()):
        commits = list(dict.fromkeys(each["commit"] or "unknown" for each in same))
        named = f"commit{'s' * (len(commits) > 1)} {listed(commits)}"
        yield f"on {place}; {named}, {listed(sorted({each['date'] for each in same}))}"


def listed(words: list[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), words[-1]])


def picture(pictures: dict[str, str]) -> str:
    """The name of the picture that shows what an example is about: the first of those of a run that
    is not the curves of its training."""
    return next(name for name in pictures if name.endswith(".png") and name != "curves.png")


def page(records: dict[str, list[Record]]) -> str:
    """The text of README.md, from the records of the runs of each example, in the order to read."""
    order = sorted(records, key=lambda key: (place(key.split()[0]), key))
    lines = (line for key in order for line in section(records[key]))
    return INTRODUCTION + "".join(f"{line}\n" for line in lines)


def save(records: dict[str, list[Record]]) -> None:
    """Write figures.json and README.md."""
    data = json.dumps(dict(sorted(records.items())), indent=1) + "\n"
    for path, text in ((RECORDS, data), (README, page(records))):
        with atomic(path) as file:
            file.write(text.encode())


def recorded() -> dict[str, list[Record]]:
    """The records in figures.json; none if there is no such file.

    Raises InputError if they are damaged, so that no run is lost at its end."""
    if not os.path.lexists(RECORDS):
        return {}
    content = read(RECORDS, LIMIT)
    try:
        records: dict[str, list[Record]] = json.loads(content)
        for key, runs in records.items():
            for each in runs:
                choose("example", each["example"], [key.split()[0]])
                if not all(type(each[name]) is int for name in ("seed", "steps")):
                    raise TypeError("seed and steps: expected whole numbers")
        page(records).encode()
    except DAMAGE as problem:
        fault = f"{type(problem).__name__}: {first_line(problem)[:80]}"
        raise InputError(f"{RECORDS}: damaged ({fault}); restore it or remove it") from problem
    return records


def main() -> None:
    parser = Parser(prog="gallery.py", description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="default: all")
    add("--full", action="store_true", help="run the long protocol")
    add("--seeds", type=whole(1, 1000), metavar="N", default=1, help="number of seeds (default: 1)")
    add("--first", type=whole(0), metavar="N", default=0, help="the first seed (default: 0)")
    add("--jobs", type=whole(1, 64), metavar="N", default=1, help="runs at a time (default: 1)")
    args = parser.parse_args()
    # Runs at a time that share the cores are faster with one BLAS thread each.
    threads = {"OPENBLAS_NUM_THREADS": "1"} if args.jobs > 1 else {}
    seeds = range(args.first, args.first + args.seeds)
    try:
        for name in args.names:
            choose("example", name, EXAMPLES)
    except InputError as problem:
        parser.error(str(problem))
    records = or_stop(recorded)
    with ThreadPoolExecutor(args.jobs) as pool:
        waiting = {
            name: [pool.submit(run, name, seed, args.full, threads) for seed in seeds]
            for name in args.names or EXAMPLES
        }
        for name, runs in waiting.items():
            try:
                done = [each.result() for each in runs]
            except RuntimeError as problem:
                pool.shutdown(cancel_futures=True)
                raise SystemExit(f"{problem}\n{name} keeps its earlier results") from None
            key = f"{name}{' --full' if args.full else ''}"
            kept = [each for each in records.get(key, []) if each["steps"] == done[0]["steps"]]
            merged = {each["seed"]: each for each in kept + done}
            records[key] = [merged[seed] for seed in sorted(merged)]
            if 0 in seeds and (not args.full or not (THUMBNAILS / f"{name}.png").exists()):
                thumbnail(name, folder(name, 0) / picture(done[0]["pictures"]))
            save(records)
            print(f"{name}: {[each['cpu_seconds'] for each in done]} s of CPU", flush=True)


if __name__ == "__main__":
    main()
