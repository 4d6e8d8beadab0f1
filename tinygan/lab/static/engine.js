// The engine as the page sees it: messages go in, a header and arrays come out. Where it runs, in
// the local server or in Pyodide, is the business of local.js and pyodide.js.

import { t } from "./language.js";

const PATIENCE = 5000; // milliseconds after which "start" ends what runs

// Opens the engine that config.json names; `progress(text)` is called while it loads and while a
// message takes long.
// Returns {edit, ask, restart}:
// - edit: whether the engine runs code that the page sends;
// - ask(message): a promise of {header, arrays}; messages are answered in order; an error has
//   the message of the engine, and .module and .line if a line of source is its cause; "start"
//   does not wait for what takes long, and opens a new session if the last one was lost;
// - restart(): ends what runs, with its session; what waits for a reply gets an AbortError, and
//   the next message must be "start".
export async function openEngine(progress = () => {}) {
  const config = await (await fetch(new URL("./config.json", import.meta.url))).json();
  const way = await import(config.engine === "local" ? "./local.js" : "./pyodide.js");
  let channel = way.connect(config, progress);
  let last = channel; // the reply to the last message
  let since = Infinity; // when the engine began to work on a message
  let lost = null; // a channel that gave no reply

  async function exchange(open, text) {
    const lose = (error) => {
      lost = open;
      throw error;
    };
    const { send } = await open.catch(lose);
    since = performance.now();
    const note = setTimeout(() => progress(t("load.busy")), PATIENCE);
    try {
      return decode(await send(text).catch(lose));
    } finally {
      if (performance.now() - since > PATIENCE) progress("");
      clearTimeout(note);
      since = Infinity;
    }
  }

  function restart() {
    const close = channel.then((open) => open.close()).catch(() => {});
    channel = close.then(() => way.connect(config, progress));
    last = Promise.resolve();
    return channel;
  }

  function ask(message) {
    const stuck = lost === channel || performance.now() - since > PATIENCE;
    if (message.op === "start" && stuck) restart();
    const text = JSON.stringify(message);
    const open = channel;
    const reply = last.then(() => exchange(open, text));
    last = reply.catch(() => {});
    return reply;
  }

  await channel;
  return { edit: config.edit, ask, restart };
}

// A reply: uint32 n, n bytes of JSON, then the float32 arrays that header.arrays lists.
export function decode(buffer) {
  const n = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, n)));
  if (header.error) throw Object.assign(new Error(), header.error);
  const arrays = {};
  let offset = 4 + n;
  for (const [name, shape] of header.arrays ?? []) {
    const size = shape.reduce((product, length) => product * length, 1);
    arrays[name] = { shape, data: new Float32Array(buffer, offset, size) };
    offset += 4 * size;
  }
  return { header, arrays };
}
