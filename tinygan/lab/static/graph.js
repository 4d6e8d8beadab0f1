// The graph of a round: its nodes and edges, where they stand, and which of them a line uses.

export const NODES = ["z", "G", "fake", "x", "D", "logits", "d_loss", "g_loss", "d_grad", "g_grad"];

// The forward pass, then the step of each player. An edge is named "from-to".
export const EDGES = [
  ...["z-G", "G-fake", "fake-D", "x-D", "D-logits", "logits-d_loss", "logits-g_loss"],
  ...["d_loss-d_grad", "g_loss-g_grad", "d_grad-D", "g_grad-G"],
];

// Which player a node or an edge belongs to, for its color.
export function owner(name) {
  if (/^(G|fake|g_|z-G)|-(g_|G)/.test(name)) return "player-G";
  return /^(D|d_)|-d_/.test(name) ? "player-D" : "";
}

// A layout: its size, the nodes' size and centers, the corners of the edges that turn, and where
// the names of these edges stand.
export const WIDE = {
  size: [1080, 196],
  box: [116, 44],
  at: {
    z: [62, 64], G: [212, 64], fake: [362, 64], x: [362, 134], D: [526, 99], logits: [686, 99],
    g_loss: [852, 64], d_loss: [852, 134], g_grad: [1014, 64], d_grad: [1014, 134],
  },
  turns: {
    "g_grad-G": [[1014, 16], [212, 16]],
    "d_grad-D": [[1014, 182], [526, 182]],
  },
  labels: { "g_grad-G": [613, 20], "d_grad-D": [770, 186] },
};

export const NARROW = {
  size: [440, 352],
  box: [112, 46],
  at: {
    z: [62, 68], G: [206, 68], fake: [350, 68], x: [62, 150], D: [206, 150], logits: [350, 150],
    d_loss: [134, 240], g_loss: [350, 240], d_grad: [134, 322], g_grad: [350, 322],
  },
  turns: {
    "g_grad-G": [[430, 322], [430, 20], [206, 20]],
    "d_grad-D": [[30, 322], [30, 198], [206, 198]],
  },
  labels: { "g_grad-G": [318, 24], "d_grad-D": [118, 202] },
};

const FORWARD = ["z-G", "G-fake", "fake-D", "D-logits"];

// All edges of a step of each player.
export const WAYS = {
  D: [...FORWARD, "x-D", "logits-d_loss", "d_loss-d_grad", "d_grad-D"],
  G: [...FORWARD, "logits-g_loss", "g_loss-g_grad", "g_grad-G"],
};

// Whose step a line of the film belongs to: "D", "G", or null for the loop around the steps.
export function playerOf(events, index) {
  if (events[index].function === "play") return null;
  const step = events.findLast(({ function: name }, i) => i <= index && STEPS[name]);
  return step ? STEPS[step.function] : null;
}

const STEPS = { d_step: "D", g_step: "G" };

// The edges that a line of this player's step used: by the names it made, and by whom it moved.
export function route({ made, moved }, player) {
  if (!player) return [];
  const own = player.toLowerCase();
  const edges = moved.length ? [`${own}_loss-${own}_grad`] : [];
  if (moved.includes(player)) edges.push(`${own}_grad-${player}`);
  for (const { name } of made) edges.push(...(usual(player)[name] ?? []));
  return edges;
}

function usual(player) {
  const real = ["x-D", "D-logits"];
  if (player === "G") return { real_logits: real, loss: [...FORWARD, "logits-g_loss"] };
  return {
    fake: ["z-G", "G-fake"],
    logits: ["x-D", "fake-D", "D-logits"],
    real_logits: real,
    fake_logits: ["fake-D", "D-logits"],
    loss: ["logits-d_loss"],
  };
}

// The edges that the gradient of a step passes, backward: D's ends at D, G's goes through D to G.
export function gradientOf({ moved }, player) {
  if (!moved.length || !player) return [];
  return player === "D"
    ? ["D-logits", "logits-d_loss"]
    : ["G-fake", "fake-D", "D-logits", "logits-g_loss"];
}

// The node that stands for a name that a line of this player's step made, or undefined.
export function nodeOf(name, player) {
  if (name === "loss") return player && `${player.toLowerCase()}_loss`;
  if (/^(real_|fake_)?logits$/.test(name)) return "logits";
  return NODES.includes(name) ? name : undefined;
}
