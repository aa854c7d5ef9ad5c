/* Attacks within a ball around a point of the unit square: projections, the steepest direction, PGD.
 *
 * The same steps as core/attacks/pgd.py with keep="worst" and no random start: margin loss, step 2.5 eps / steps, and
 * the iterate that is worst for the model. A model is anything with `classes`, `value(x, y)` and `pullback(g, grad)`.
 * Sources: Madry et al. 2018, arXiv:1706.06083; L1: Croce & Hein 2021, arXiv:2103.01208. */

const STEPS = 20;
const clip = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));

/** Length of (a, b) in a norm. */
function lengthOf(a, b, norm) {
  if (norm === "L2") return Math.sqrt(a * a + b * b);
  return norm === "L1" ? Math.abs(a) + Math.abs(b) : Math.max(Math.abs(a), Math.abs(b));
}

/** Bring (x + a, y + b) within eps of (x, y) and into the unit square; writes into `to`. */
function project(a, b, x, y, norm, eps, to) {
  if (norm === "Linf") {
    to[0] = clip(clip(x + a, x - eps, x + eps));
    to[1] = clip(clip(y + b, y - eps, y + eps));
  } else if (norm === "L2") {
    projectL2(a, b, x, y, eps, to);
  } else projectL1(a, b, x, y, eps, to);
}

/** The nearest point of disc and square together: one factor for both parts, up to the room they have. */
function projectL2(a, b, x, y, eps, to) {
  const size = [Math.abs(a), Math.abs(b)], room = [a > 0 ? 1 - x : x, b > 0 ? 1 - y : y];
  let scale = Math.min(1, eps / Math.max(1e-12, lengthOf(a, b, "L2")));
  for (;;) {
    let left = eps * eps, free = 0;
    for (let i = 0; i < 2; i++) {
      if (scale * size[i] >= room[i]) left -= room[i] * room[i];
      else free += size[i] * size[i];
    }
    const larger = Math.min(1, Math.sqrt(Math.max(0, left) / Math.max(1e-24, free)));
    if (!(larger > scale * (1 + 4 * Number.EPSILON))) break;
    scale = larger;
  }
  const [p, q] = size.map((s, i) => Math.min(scale * s, room[i]));
  const shrink = Math.min(1, eps / Math.max(1e-12, lengthOf(p, q, "L2")));
  to[0] = clip(x + Math.sign(a) * p * shrink);
  to[1] = clip(y + Math.sign(b) * q * shrink);
}

/** The nearest point of diamond and square together: both parts lose the same amount, up to the room they have. */
function projectL1(a, b, x, y, eps, to) {
  const size = [Math.abs(a), Math.abs(b)], room = [a > 0 ? 1 - x : x, b > 0 ? 1 - y : y];
  const kept = (cut) => size.map((s, i) => clip(s - cut, 0, room[i]));
  let cut = 0;
  if (Math.min(size[0], room[0]) + Math.min(size[1], room[1]) > eps) {
    const total = (at) => kept(at)[0] + kept(at)[1];
    const corners = [...size, size[0] - room[0], size[1] - room[1], 0].filter((c) => c >= 0).sort((c, d) => d - c);
    const below = corners.findIndex((c) => total(c) >= eps);
    const high = corners[below - 1], low = corners[below], slope = (total(low) - total(high)) / (high - low);
    cut = Math.max(0, high - (eps - total(high)) / slope);
  }
  const [p, q] = kept(cut), shrink = Math.min(1, eps / Math.max(1e-12, p + q));
  to[0] = clip(x + Math.sign(a) * p * shrink);
  to[1] = clip(y + Math.sign(b) * q * shrink);
}

/** The direction of length one in which a function with this gradient at (x, y) rises fastest; in place. */
function steepest(grad, x, y, norm) {
  if (norm === "Linf") {
    grad[0] = Math.sign(grad[0]);
    grad[1] = Math.sign(grad[1]);
  } else if (norm === "L2") {
    const large = Math.max(1e-30, lengthOf(grad[0], grad[1], "Linf")), a = grad[0] / large, b = grad[1] / large;
    const size = Math.max(1e-12, Math.sqrt(a * a + b * b));
    grad[0] = a / size;
    grad[1] = b / size;
  } else {
    const free = (g, at) => (g > 0 ? at < 1 : at > 0) ? Math.abs(g) : 0;
    const a = free(grad[0], x), b = free(grad[1], y), first = a >= b;
    grad[0] = first && a > 0 ? Math.sign(grad[0]) : 0;
    grad[1] = !first && b > 0 ? Math.sign(grad[1]) : 0;
  }
}

const largest = (out) => out.reduce((best, value, c) => (value > out[best] ? c : best), 0);

/** Largest wrong output minus the right one at (x, y), and in `g` the weights whose pullback is its gradient. */
function marginAt(model, x, y, label, g) {
  const out = model.value(x, y);
  let rival = label === 0 ? 1 : 0;
  for (let c = 0; c < model.classes; c++) if (c !== label && out[c] > out[rival]) rival = c;
  g.fill(0);
  g[rival] = 1;
  g[label] = -1;
  return out[rival] - out[label];
}

/** Squared distance of the outputs at (x, y) to the centred label, and in `g` the weights of its gradient. */
function squaredAt(model, x, y, label, g) {
  const out = model.value(x, y);
  let loss = 0;
  for (let c = 0; c < model.classes; c++) {
    const away = out[c] - (c === label ? 1 : 0) + 1 / model.classes;
    loss += away * away;
    g[c] = 2 * away;
  }
  return loss;
}

/** Attack one point; `path` collects where it went. Returns {x, y, wrong, broken}: wrong before, broken after. */
function attackPoint(model, x, y, label, { norm, eps, steps = STEPS }, path = null) {
  const g = new Float64Array(model.classes), grad = [0, 0], now = [x, y], end = { x, y, wrong: false, broken: false };
  let worst = marginAt(model, x, y, label, g);
  end.wrong = end.broken = largest(model.out) !== label;
  path?.push([x, y]);
  if (end.broken || !eps) return end;
  for (let step = 0; step <= steps; step++) {
    const loss = marginAt(model, now[0], now[1], label, g), fell = largest(model.out) !== label;
    if (fell || loss > worst) {
      [end.x, end.y] = now;
      worst = loss;
      end.broken = fell;
    }
    if (step) path?.push([now[0], now[1]]);
    if (fell || step === steps) break;
    climb(model, g, grad, now, x, y, norm, eps, steps);
  }
  return end;
}

/** One step of PGD from `now`, whose outputs the model holds. */
function climb(model, g, grad, now, x, y, norm, eps, steps) {
  const size = (2.5 * eps) / steps;
  model.pullback(g, grad);
  if (norm === "Linf") {
    steepest(grad, now[0], now[1], norm);
    return project(now[0] + size * grad[0] - x, now[1] + size * grad[1] - y, x, y, norm, eps, now);
  }
  ascend(grad, now, x, y, norm, eps, size);
}

const TRIES = 6, FASTEST = 10, ENOUGH = { L2: 0.98, L1: 1 };

/** In L2 and L1: along the gradient, projected, as far as makes the point move by `size`; core/attacks/ascent.py. */
function ascend(grad, now, x, y, norm, eps, size) {
  const large = Math.max(1e-30, lengthOf(grad[0], grad[1], "Linf")), from = [now[0], now[1]];
  const g = grad.map((v) => v / large), free = g.map((v, i) => (v > 0 ? from[i] < 1 : from[i] > 0));
  if (norm === "L1") {
    const most = Math.max(...g.map((v, i) => (free[i] ? Math.abs(v) : 0)));
    g.forEach((v, i) => free[i] && Math.abs(v) < most && (g[i] = 0));
  }
  let rate = size / Math.max(1e-12, lengthOf(free[0] ? g[0] : 0, free[1] ? g[1] : 0, norm));
  for (let attempt = 0; attempt < TRIES; attempt++) {
    project(from[0] + rate * g[0] - x, from[1] + rate * g[1] - y, x, y, norm, eps, now);
    const reached = lengthOf(now[0] - from[0], now[1] - from[1], norm);
    if (reached >= ENOUGH[norm] * size) break;
    rate *= clip(size / Math.max(1e-12, reached), 1, FASTEST);
  }
}

/** The inner attack of adversarial training and of adv-KIP: `steps` of PGD on the squared error, last iterates. */
function attackSquared(model, xy, labels, { norm, eps, steps }, start = xy) {
  const out = Float64Array.from(start), g = new Float64Array(model.classes), grad = [0, 0], now = [0, 0];
  if (!eps) return Float64Array.from(xy);
  for (let i = 0; i < labels.length; i++) {
    const x = xy[2 * i], y = xy[2 * i + 1];
    project(out[2 * i] - x, out[2 * i + 1] - y, x, y, norm, eps, now);
    for (let step = 0; step < steps; step++) {
      squaredAt(model, now[0], now[1], labels[i], g);
      climb(model, g, grad, now, x, y, norm, eps, steps);
    }
    out.set(now, 2 * i);
  }
  return out;
}

/** Attack every point: ends, flags, and how many are right before and after. */
function attackAll(model, xy, labels, budget) {
  const n = labels.length, ends = new Float64Array(2 * n), wrong = new Uint8Array(n), broken = new Uint8Array(n);
  let clean = 0, robust = 0;
  for (let i = 0; i < n; i++) {
    const end = attackPoint(model, xy[2 * i], xy[2 * i + 1], labels[i], budget);
    ends.set([end.x, end.y], 2 * i);
    clean += !(wrong[i] = end.wrong);
    robust += !(broken[i] = end.broken);
  }
  return { n, ends, wrong, broken, clean, robust, ...budget };
}
