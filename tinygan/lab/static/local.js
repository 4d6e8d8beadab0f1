// The local way: each message is a POST to the server that sent this page.

export async function connect() {
  const page = crypto.randomUUID(); // the server keeps a session for each page
  const stop = new AbortController();
  return {
    async send(text) {
      const reply = await fetch(new URL("./engine", import.meta.url), {
        method: "POST",
        headers: { "Content-Type": "application/json", "Lab-Page": page },
        body: text,
        signal: stop.signal,
      });
      if (!reply.ok) throw new Error((await reply.text()).trim());
      return reply.arrayBuffer();
    },
    close: () => stop.abort(new Error("the engine was restarted")),
  };
}
