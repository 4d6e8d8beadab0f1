// The worker that runs the engine: the first message says what to load, each other one is for the
// engine. It answers {reply} or {error}, and tells its {progress} while it loads.

let answer = null;

async function load({ runtime, archive }) {
  const zip = fetch(archive);
  postMessage({ progress: "load.python" });
  const { loadPyodide } = await import(`${runtime}pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: runtime, packages: ["numpy"] });
  postMessage({ progress: "load.engine" });
  const file = await zip;
  if (!file.ok) throw new Error(`${archive}: ${file.status}`);
  pyodide.unpackArchive(await file.arrayBuffer(), "zip");
  answer = pyodide.runPython(`
    from tinygan.lab.session import Session
    session = Session(allow_edit=True)
    lambda text: session.answer(text.encode())
  `);
}

function reply(text) {
  const bytes = answer(text);
  const { buffer } = bytes.toJs();
  bytes.destroy();
  return buffer;
}

onmessage = async ({ data }) => {
  try {
    if (answer) {
      const buffer = reply(data);
      postMessage({ reply: buffer }, [buffer]);
    } else {
      await load(data);
      postMessage({ reply: null });
    }
  } catch (error) {
    const lines = String(error.message ?? error).trim().split("\n");
    postMessage({ error: lines.at(-1) }); // of a traceback, what happened
  }
};
