// The local way: each message is a POST to the server that sent this page.

export async function connect() {
  const page = crypto.randomUUID(); // the server keeps a session for each page
  const stop = new AbortController();
  const request = async (options, headers = {}) => {
    const reply = await fetch(new URL("./engine", import.meta.url), {
      ...options,
      headers: { "Lab-Page": page, ...headers },
    });
    if (!reply.ok) throw new Error((await reply.text()).trim());
    return reply.arrayBuffer();
  };
  return {
    send: (body) =>
      request({ method: "POST", body, signal: stop.signal }, { "Content-Type": "application/json" }),
    async close() {
      stop.abort();
      await request({ method: "DELETE" });
    },
  };
}
