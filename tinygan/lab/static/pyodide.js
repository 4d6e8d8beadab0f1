// The way without a server: a worker runs the engine in Pyodide, CPython for WebAssembly.

import { t } from "./language.js";

export async function connect(config, progress) {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  let waiting = null; // who waits for the answer to the last message
  let ended = null;
  const send = (message) =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      if (ended) reject(ended);
      else worker.postMessage(message);
    });
  worker.onmessage = ({ data }) => {
    if (data.progress) progress(t(data.progress));
    else if (data.error) waiting.reject(new Error(data.error));
    else waiting.resolve(data.reply);
  };
  worker.onerror = (event) => waiting.reject(new Error(event.message || t("load.failed")));
  await send({
    runtime: new URL(config.pyodide, document.baseURI).href,
    archive: new URL(config.package, document.baseURI).href,
  });
  return {
    send,
    async close() {
      worker.terminate(); // the only way out of a loop that does not end
      ended = new DOMException(t("load.ended"), "AbortError");
      waiting.reject(ended);
    },
  };
}
