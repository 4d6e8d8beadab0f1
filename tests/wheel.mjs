// Play 100 rounds with an installed wheel in Pyodide: node wheel.mjs FOLDER_OF_PYODIDE WHEEL
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, wheel] = process.argv.slice(2);
globalThis.fetch = () => { throw new Error("no network"); };
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: `${folder}/` });
await python.loadPackage("numpy", { messageCallback: () => {} });
python.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
console.log(python.runPython(`
import json, sys
from itertools import islice
import numpy as np
import tinygan
from tinygan import data, gan, models, play

rng = np.random.default_rng(0)
digits = data.Minibatches(data.load("digits").images, rng=rng)
pair = models.build("mlp-small", (1, 28, 28), rng=rng)
rounds = play(gan.non_saturating, *pair.players(digits, rng))
losses = [[loss.item() for loss in each[:2]] for each in islice(rounds, 100)]
heavy = {"matplotlib", "PIL", "safetensors", "tqdm", "pooch", "scipy"} & set(sys.modules)
json.dumps({"losses": losses, "heavy": sorted(heavy), "file": tinygan.__file__, "python": sys.version})
`));
