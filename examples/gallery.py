"""Run examples and write README.md next to this file, with the results and a thumbnail of each.

    python examples/gallery.py                    all, with their defaults: at least half an hour
    python examples/gallery.py dcgan vae          these two
    python examples/gallery.py --full vae         the long protocol

The recorded commit is that of the installed package; `pip install -e .` makes it known.

Each example runs in its own process and writes to the folder `out/` of the current folder.
figures.json has the results with seed, commit, machine and time; the results of examples that do
not run now stay there.
"""

# %%
import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

from tinygan.environment import machine
from tinygan.errors import InputError, choose
from tinygan.storage import atomic

HERE = Path(__file__).resolve().parent
RECORDS, README, THUMBNAILS = HERE / "figures.json", HERE / "README.md", HERE / "thumbnails"
FIRST = "first_gan", "gan_on_one_page"  # they have a picture and no results
EXAMPLES = sorted({path.stem for path in HERE.glob("*.py")} - {"gallery", *FIRST})
WIDE, COLORS = 320, 64  # maximum width and number of colors of a thumbnail


def run(name: str, full: bool) -> dict:
    """Run an example and return its record. Raises SystemExit if the example fails."""
    started, backend = time.perf_counter(), machine()
    command = [sys.executable, str(HERE / f"{name}.py"), *(["--full"] if full else [])]
    if status := subprocess.run(command).returncode:
        raise SystemExit(f"{name}.py ended with status {status}; README.md is unchanged")
    record = json.loads(Path("out", name, "figures.json").read_text())
    record["process_seconds"] = round(time.perf_counter() - started, 1)
    return record | {"machine": backend}


def thumbnail(name: str, picture: Path) -> None:
    """Save a small copy of a picture for the gallery."""
    THUMBNAILS.mkdir(exist_ok=True)
    with Image.open(picture) as image:
        small = image.convert("RGB")
        small.thumbnail((WIDE, WIDE))
        with atomic(THUMBNAILS / f"{name}.png") as file:
            small.quantize(COLORS).save(file, format="PNG", optimize=True)


def page(records: dict[str, dict]) -> str:
    """The text of README.md: for each record the example's title, picture and results."""
    parts = [
        "# Examples\n\nEach file is one system. `python examples/NAME.py` runs it on the embedded "
        "digits, or on data that\nit generates, and saves pictures in `out/NAME/`. `--full` is the "
        "long protocol; `--help` shows all options.\n`python examples/gallery.py` writes this "
        "page. Each table has our figure, the value to compare it with or\nits target, and "
        "whether the target was reached.\n\n"
        "Two files come first: [first_gan.py](first_gan.py) trains a GAN with tinygan in 40 lines, "
        "and\n[gan_on_one_page.py](gan_on_one_page.py) does so with NumPy alone, "
        "derivatives included, in 150.\n"
    ]
    for key, record in records.items():
        name = record["example"]
        title = (HERE / f"{name}.py").read_text().split("\n")[0].strip('"')
        about, backend = f"seed {record['seed']}, {record['steps']} steps", record["machine"]
        about += f", on {record['data']}" if record.get("data") else ""
        full = " --full" if record["full"] else ""
        shown = "; ".join(f"`{picture}`: {what}" for picture, what in record["pictures"].items())
        parts.append(
            f"\n## [{name}.py]({name}.py){full}\n\n{title}\n\n![{name}](thumbnails/{name}.png)\n\n"
            f"{shown}\n\n| `{name}.py{full}` | ours | reference or target | |\n"
            "| --- | --- | --- | --- |\n"
        )
        for result in record["findings"]:
            verdict = {True: "reached", False: "**not reached**", None: ""}[result["holds"]]
            cells = result["what"], f"{result['ours']:.5g}", result["published"], verdict
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
        parts.append(
            f"\n{about}; {record['process_seconds']:.0f} s on {backend['processor']}, "
            f"{backend['cores']} cores, BLAS on {backend['blas_threads']}; "
            f"commit {backend['commit']}, {backend['date']}\n"
        )
        assert key.startswith(name)
    return "".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--full", action="store_true", help="run the long protocol")
    args = parser.parse_args()
    try:
        for name in args.names:
            choose("example", name, EXAMPLES)
    except InputError as problem:
        parser.error(str(problem))
    records = json.loads(RECORDS.read_text()) if RECORDS.exists() else {}
    for name in args.names or EXAMPLES:
        print(f"{name} ...", flush=True)
        record = run(name, args.full)
        records[f"{name}{' --full' if args.full else ''}"] = record
        if not args.full or not (THUMBNAILS / f"{name}.png").exists():
            thumbnail(name, Path("out", name, next(iter(record["pictures"]))))
        for path, text in (
            (RECORDS, json.dumps(dict(sorted(records.items())), indent=1) + "\n"),
            (README, page(dict(sorted(records.items())))),
        ):
            with atomic(path) as file:
                file.write(text.encode())


if __name__ == "__main__":
    main()
