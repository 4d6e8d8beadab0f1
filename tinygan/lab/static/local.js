// The local way: each message is a POST to the server that sent this page.

import { t } from "./language.js";

export async function connect() {
  const page = crypto.randomUUID(); // the server keeps a session for each page
  const stop = new AbortController();
  const request = async (options, headers = {}) => {
    const whole = { ...options, headers: { "Lab-Page": page, ...headers } };
    const reply = await fetch(new URL("./engine", import.meta.url), whole).catch((error) => {
      throw error.name === "AbortError" ? error : new Error(t("load.gone"));
    });
    if (reply.status === 410) throw new Error(t("load.lost"));
    if (!reply.ok) throw new Error((await reply.text()).trim());
    return reply.arrayBuffer();
  };
  return {
    send: (body) =>
      request({ method: "POST", body, signal: stop.signal }, { "Content-Type": "application/json" }),
    async close() {
      stop.abort(new DOMException(t("load.ended"), "AbortError"));
      await request({ method: "DELETE" });
    },
  };
}
