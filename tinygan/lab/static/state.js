// The one store of the page. Modules read `state`, listen by `on`, and tell the others by `emit`.
//
// Events:  picture   new pictures of the runs (or another position of the film to draw)
//          settings  other settings; `state.query` is their canonical text
//          film      another position in the film of a round, or none
//          source    other source in the code pane
//          exhibit   an exhibit was opened or left
//          playing   the game runs or pauses
//          language  another language
//          view      another speed or other layers
//          error     a line to show, as detail: {message, module, line}; null takes it away. It is
//                    calm if nothing is wrong: {message, calm: true}

const LONGEST = 1200; // points of a curve; beyond it every second one is dropped
const CURVES = ["d_loss", "g_loss", "d_real", "d_fake", "jsd"];

export const state = {
  query: "", // what differs from the default settings
  settings: {},
  form: [], // the fields of the settings: name, group, kind, bounds, value
  playing: false,
  speed: 5, // rounds a picture
  runs: [], // one picture, or two if an exhibit is shown
  arrays: {}, // what the pictures are drawn from: {"0/fake": {shape, data}, ...}
  history: [], // of each run: {round: [...], d_loss: [...], ...}
  film: null, // {events, index, arrays}: a round in slow motion, shown up to events[index]
  source: null,
  exhibit: null,
  hidden: new Set(), // layers of the plane that are not drawn
  language: "en",
};

const bus = new EventTarget();

export function on(event, listener) {
  bus.addEventListener(event, ({ detail }) => listener(detail));
}

export function emit(event, detail = null) {
  bus.dispatchEvent(new CustomEvent(event, { detail }));
}

// Take over the pictures of an engine's reply {header, arrays}. `anew` starts the curves again.
export function adopt({ header, arrays }, anew = false) {
  state.runs = header.runs;
  state.arrays = arrays;
  if (anew || state.history.length !== header.runs.length) {
    state.history = header.runs.map(() => ({ stride: 1, round: [], ...emptyCurves() }));
  }
  header.runs.forEach((run, i) => remember(state.history[i], run));
  emit("picture");
}

// The arrays to draw for run i. In a film they are those that the last line shown has left.
export function arraysOf(i) {
  const arrays = { ...named(state.arrays, `${i}/`) };
  if (state.film && i === state.runs.length - 1) {
    for (let event = 0; event <= state.film.index; event++) {
      Object.assign(arrays, named(state.film.arrays, `event/${event}/`));
    }
  }
  return arrays;
}

function named(arrays, prefix) {
  return Object.fromEntries(
    Object.entries(arrays)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, array]) => [name.slice(prefix.length), array]),
  );
}

function emptyCurves() {
  return Object.fromEntries(CURVES.map((name) => [name, []]));
}

// Append a picture's curves, one value for each round since the last picture.
function remember(history, run) {
  const n = run.curves.d_loss.length;
  for (let i = 0; i < n; i++) {
    const round = run.round - n + 1 + i;
    if (round % history.stride) continue;
    history.round.push(round);
    for (const name of CURVES) history[name].push(run.curves[name][i]);
  }
  if (history.round.length > LONGEST) {
    history.stride *= 2;
    const kept = history.round.map((round) => round % history.stride === 0);
    for (const name of ["round", ...CURVES]) {
      history[name] = history[name].filter((_, i) => kept[i]);
    }
  }
}
