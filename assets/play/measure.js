/* What is counted: intervals, radii, separation, and the curve over eps. */

const CURVE = Array.from({ length: 16 }, (_, i) => i / 50); // eps of the curve: 0 to 0.3
const TOP = 0.3;

/** 95 % interval of a share (Wilson 1927). */
function wilson(count, n) {
  const z = 1.959963984540054, share = count / n, squared = (z * z) / n;
  const middle = (share + squared / 2) / (1 + squared);
  const half = (z / (1 + squared)) * Math.sqrt((share * (1 - share)) / n + squared / (4 * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** Radius of each condensed point's ball: the farthest train point of its class that has no nearer one. */
function ballRadii(support, train, norm) {
  const radii = new Float64Array(support.labels.length);
  for (let i = 0; i < train.labels.length; i++) {
    let best = -1, nearest = Infinity;
    for (let j = 0; j < support.labels.length; j++) {
      if (support.labels[j] !== train.labels[i]) continue;
      const away = lengthOf(train.xy[2 * i] - support.xy[2 * j], train.xy[2 * i + 1] - support.xy[2 * j + 1], norm);
      if (away < nearest) [best, nearest] = [j, away];
    }
    if (best >= 0) radii[best] = Math.max(radii[best], nearest);
  }
  return radii;
}

/** The smallest distance between points of different classes. */
function separationOf({ xy, labels }, norm) {
  let least = Infinity;
  for (let i = 0; i < labels.length; i++)
    for (let j = 0; j < i; j++)
      if (labels[i] !== labels[j])
        least = Math.min(least, lengthOf(xy[2 * i] - xy[2 * j], xy[2 * i + 1] - xy[2 * j + 1], norm));
  return least;
}

/** What radius, eps and separation say together, in one sentence. */
function verdict(radius, eps, separation) {
  const reach = radius + eps, half = separation / 2, three = (x) => x.toFixed(3);
  if (!Number.isFinite(half)) return "With one class only there is nothing to keep apart.";
  if (reach < half)
    return `η + ε = ${three(reach)} is below half the separation, ${three(half)}: balls of different classes stay apart, and the bound says something here.`;
  const times = half > 0 ? `${(reach / half).toFixed(1)} times` : "above";
  return `η + ε = ${three(reach)} is ${times} half the separation, ${three(half)}: balls of different classes overlap, so the bound is true but says little here.`;
}

const percent = (count, n) => (n ? `${((100 * count) / n).toFixed(1)} %` : "–");
const between = (count, n) => (n ? wilson(count, n).map((share) => (100 * share).toFixed(0)).join("–") + " %" : "");
const NORMS = { Linf: "L∞", L2: "L2", L1: "L1" };
const signed = (value) => (Math.abs(value) < 0.005 ? "0.00" : value.toFixed(2).replace("-", "−"));
