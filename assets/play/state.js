/* The settings, as they stand in the link: `play.name=value` for what differs from the start, own points packed.
 *
 * A packed point takes 12 bits for each coordinate and 2 for its class, in base64 that is safe in a link. */

const START = {
  data: "moons", method: "adv-kip", k: 5, model: "kernel", depth: 3, width: 256, training: "standard", norm: "Linf",
  eps: 0.05, seed: 2, speed: 2, at: "", balls: "auto", attacked: "yes", points: "",
};
const CHOICES = {
  data: ["moons", "circles", "blobs", "spirals", "own"],
  method: ["random", "cover", "k-means", "kip", "adv-kip"],
  model: ["kernel", "network", "nearest"],
  training: ["standard", "adversarial"],
  norm: ["Linf", "L2", "L1"],
  width: [8, 16, 32, 64, 128, 256, 512, 1024, Infinity],
  balls: ["auto", "yes", "no"],
  attacked: ["yes", "no"],
};
const RANGES = { k: [1, 20], depth: [1, 5], eps: [0, 0.3], seed: [0, 999999], speed: [1, 4] };
const MOST_POINTS = 400, LONGEST_LINK = 2000, GRID = 4095;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Settings from a query string; what is not there, or makes no sense, is as at the start. */
function readState(query) {
  const found = { ...START }, given = new URLSearchParams(query);
  for (const name of Object.keys(START)) {
    const text = given.get(`play.${name}`);
    if (text === null) continue;
    const value = typeof START[name] === "number" ? Number(text) : text;
    const [low, high] = RANGES[name] ?? [-Infinity, Infinity];
    if (CHOICES[name] ? CHOICES[name].includes(value) : typeof value === "string" || (value >= low && value <= high)) found[name] = value;
  }
  return found;
}

/** The query string of settings, other parameters kept. */
function writeState(state, query) {
  const out = new URLSearchParams(query);
  for (const [name, start] of Object.entries(START)) {
    if (state[name] === start) out.delete(`play.${name}`);
    else out.set(`play.${name}`, String(state[name]));
  }
  return out.toString();
}

/** Points on the grid that a link can carry. */
const snap = (value) => Math.round(clip(value) * GRID) / GRID;

/** Points and labels as text. */
function packPoints({ xy, labels }) {
  let held = 0n, bitsHeld = 0, text = "";
  for (let i = 0; i < labels.length; i++) {
    const [a, b] = [xy[2 * i], xy[2 * i + 1]].map((v) => BigInt(Math.round(clip(v) * GRID)));
    held = (held << 26n) | (a << 14n) | (b << 2n) | BigInt(labels[i]);
    for (bitsHeld += 26; bitsHeld >= 6; bitsHeld -= 6) {
      text += ALPHABET[Number((held >> BigInt(bitsHeld - 6)) & 63n)];
    }
    held &= (1n << BigInt(bitsHeld)) - 1n;
  }
  return bitsHeld ? text + ALPHABET[Number((held << BigInt(6 - bitsHeld)) & 63n)] : text;
}

/** The points of a text; stops at what is not of it. */
function unpackPoints(text) {
  const xy = [], labels = [];
  let held = 0n, bitsHeld = 0;
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0 || labels.length === MOST_POINTS) break;
    held = (held << 6n) | BigInt(value);
    bitsHeld += 6;
    if (bitsHeld < 26) continue;
    bitsHeld -= 26;
    const point = held >> BigInt(bitsHeld);
    held &= (1n << BigInt(bitsHeld)) - 1n;
    xy.push(Number((point >> 14n) & 4095n) / GRID, Number((point >> 2n) & 4095n) / GRID);
    labels.push(Math.min(2, Number(point & 3n)));
  }
  return { xy: Float64Array.from(xy), labels: Uint8Array.from(labels) };
}
