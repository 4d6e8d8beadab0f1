// The engine as the page sees it: messages go in, a header and arrays come out. Where it runs, in
// the local server or in Pyodide, is the business of local.js and pyodide.js.

// Opens the engine that config.json names; `progress(text)` is called while it loads.
// Returns {edit, ask, restart}:
// - edit: whether the engine runs code that the page sends;
// - ask(message): a promise of {header, arrays}; messages are answered in order; an error has
//   the message of the engine, and .module and .line if a line of source is its cause;
// - restart(): ends what runs, with its session; what waits for a reply gets an AbortError, and
//   the next message must be "start".
export async function openEngine(progress = () => {}) {
  const config = await (await fetch(new URL("./config.json", import.meta.url))).json();
  const way = await import(config.engine === "local" ? "./local.js" : "./pyodide.js");
  let channel = way.connect(config, progress);
  let last = channel; // the reply to the last message
  await channel;
  return {
    edit: config.edit,
    ask(message) {
      const text = JSON.stringify(message);
      const open = channel;
      const reply = last.then(async () => (await open).send(text)).then(decode);
      last = reply.catch(() => {});
      return reply;
    },
    async restart() {
      const old = await channel.catch(() => null); // null if it could not be opened
      channel = Promise.resolve(old?.close()).then(() => way.connect(config, progress));
      last = Promise.resolve();
      await channel;
    },
  };
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
