/* The smallest radius at which k balls around points of a class hold all its points, exactly.
 *
 * The best radius is a distance between two points, so the search is over sorted distances. Farthest-point and greedy
 * covers bound it from above, packings (points no two of which one ball can hold) from below; between the two,
 * branch and bound decides. Written as generators: they pause, so that a frame never waits.
 * Source: the cover of Chen & Selvan, arXiv:2402.05675; Gonzalez 1985. Python's: core/covering/fixed_budget.py. */

const PAUSE = 40; // nodes of the search between two pauses
const MOST_NODES = 60000; // then the cover is shown as it is, with its lower bound

/** Comparable keys of all pairs: squared distance in L2, the distance itself otherwise. */
function pairKeys(xy, norm) {
  const n = xy.length / 2, keys = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const a = xy[2 * i] - xy[2 * j], b = xy[2 * i + 1] - xy[2 * j + 1];
      keys[i * n + j] = norm === "L2" ? a * a + b * b : lengthOf(a, b, norm);
    }
  return keys;
}

const radiusOf = (key, norm) => (norm === "L2" ? Math.sqrt(key) : key);

/** Bit sets as arrays of 32-bit words. */
const bits = {
  make: (n) => new Uint32Array(Math.ceil(n / 32)),
  add: (set, i) => (set[i >> 5] |= 1 << (i & 31)),
  drop: (set, i) => (set[i >> 5] &= ~(1 << (i & 31))),
  has: (set, i) => (set[i >> 5] >>> (i & 31)) & 1,
  meet(a, b) {
    for (let w = 0; w < a.length; w++) if (a[w] & b[w]) return true;
    return false;
  },
  within(a, b, mask) {
    for (let w = 0; w < a.length; w++) if (a[w] & mask[w] & ~b[w]) return false;
    return true;
  },
  count(a, mask) {
    let total = 0;
    for (let w = 0; w < a.length; w++) {
      let word = a[w] & mask[w];
      word -= (word >>> 1) & 0x55555555;
      word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
      total += (((word + (word >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
    }
    return total;
  },
  list(a) {
    const found = [];
    for (let w = 0; w < a.length; w++) for (let b = 0; b < 32; b++) if ((a[w] >>> b) & 1) found.push(32 * w + b);
    return found;
  },
};

/** Which points the ball of `key` around each point holds; symmetric, so also by whom each is held. */
function ballsAt(keys, n, key) {
  return Array.from({ length: n }, (_, i) => {
    const set = bits.make(n);
    for (let j = 0; j < n; j++) if (keys[i * n + j] <= key) bits.add(set, j);
    return set;
  });
}

/** Take the ball with most points left until none is; null when more than k are needed. */
function greedyCover(balls, n, k) {
  const left = everything(n), chosen = [];
  while (left.some((word) => word)) {
    if (chosen.length === k) return null;
    let best = 0, most = -1;
    balls.forEach((ball, i) => {
      const count = bits.count(ball, left);
      if (count > most) [best, most] = [i, count];
    });
    chosen.push(best);
    balls[best].forEach((word, w) => (left[w] &= ~word));
  }
  return chosen;
}

function everything(n) {
  const set = bits.make(n);
  for (let i = 0; i < n; i++) bits.add(set, i);
  return set;
}

/** A packing among the points left: how many balls they need at least. Rows with few candidates go first. */
function packing(rows, holders) {
  const used = new Uint32Array(holders[rows[0]]?.length ?? 0);
  let found = 0;
  for (const row of rows)
    if (!bits.meet(holders[row], used)) {
      holders[row].forEach((word, w) => (used[w] |= word));
      found++;
    }
  return found;
}

/** Whether k of these balls hold all points: their rows, null when they cannot, undefined when nodes ran out. */
function* decide(balls, n, k, budget) {
  function* search(left, allowed, chosen) {
    if (budget.nodes++ % PAUSE === 0) yield;
    if (budget.nodes > MOST_NODES) return undefined;
    let rows = bits.list(left);
    if (!rows.length) return chosen;
    if (chosen.length === k) return null;
    const holders = [];
    for (const row of rows) holders[row] = balls[row].map((word, w) => word & allowed[w]);
    const all = everything(n), size = new Map(rows.map((row) => [row, bits.count(holders[row], all)]));
    rows.sort((a, b) => size.get(a) - size.get(b) || a - b);
    if (!size.get(rows[0]) || packing(rows, holders) > k - chosen.length) return null;
    // a point is held with another whose candidates are among its own: only the harder one needs asking
    const hard = rows.filter((row, at) => !rows.some((other, before) => other !== row
      && bits.within(holders[other], holders[row], all) && (size.get(other) < size.get(row) || before < at)));
    const asked = bits.make(n);
    hard.forEach((row) => bits.add(asked, row));
    let centres = bits.list(holders[hard[0]]).map((c) => ({ c, count: bits.count(balls[c], asked) }));
    centres.sort((a, b) => b.count - a.count || a.c - b.c);
    centres = centres.filter(({ c }, at) => !centres.slice(0, at).some((o) => bits.within(balls[c], balls[o.c], asked)));
    const open = Uint32Array.from(allowed);
    for (const { c } of centres) {
      const found = yield* search(asked.map((word, w) => word & ~balls[c][w]), open, [...chosen, c]);
      if (found !== null) return found;
      bits.drop(open, c); // what follows need not try it again
    }
    return null;
  }
  return yield* search(everything(n), everything(n), []);
}

/** Farthest-point cover from the point nearest to the mean. */
function farthestPoints(xy, keys, n, k) {
  let mx = 0, my = 0, first = 0, nearest = Infinity;
  for (let i = 0; i < n; i++) [mx, my] = [mx + xy[2 * i] / n, my + xy[2 * i + 1] / n];
  for (let i = 0; i < n; i++) {
    const away = (xy[2 * i] - mx) ** 2 + (xy[2 * i + 1] - my) ** 2;
    if (away < nearest) [first, nearest] = [i, away];
  }
  const chosen = [first], away = keys.slice(first * n, first * n + n);
  while (chosen.length < k) {
    const far = away.reduce((best, key, i) => (key > away[best] ? i : best), 0);
    if (away[far] === 0) break;
    chosen.push(far);
    for (let i = 0; i < n; i++) away[i] = Math.min(away[i], keys[far * n + i]);
  }
  return chosen;
}

const coverKey = (keys, n, centres) => {
  let worst = 0;
  for (let i = 0; i < n; i++) {
    let nearest = Infinity;
    for (const c of centres) nearest = Math.min(nearest, keys[c * n + i]);
    worst = Math.max(worst, nearest);
  }
  return worst;
};

/** Cover one class by k balls. Yields {centres, key, low, proven}, ever better; `low` is a proven bound of the key. */
function* coverClass(xy, norm, k) {
  const n = xy.length / 2, keys = pairKeys(xy, norm), sorted = Array.from(new Set(keys)).sort((a, b) => a - b);
  const best = { centres: farthestPoints(xy, keys, n, k), key: 0, low: 0, proven: false };
  best.key = coverKey(keys, n, best.centres);
  yield best;
  const where = (key) => sorted.indexOf(key);
  const accept = (centres) => {
    const key = coverKey(keys, n, centres);
    if (key < best.key) Object.assign(best, { centres, key });
  };
  let low = -1, high = where(best.key); // sorted[low] is too small, sorted[high] is reached
  for (let a = -1, b = high; b - a > 1; ) {
    const middle = (a + b) >> 1, balls = ballsAt(keys, n, sorted[middle]), centres = greedyCover(balls, n, k);
    if (centres) accept(centres);
    if (centres) b = Math.min(middle, where(best.key));
    else a = middle;
    yield best;
  }
  high = where(best.key);
  const budget = { nodes: 0 };
  while (high - low > 1) {
    const middle = (low + high) >> 1, balls = ballsAt(keys, n, sorted[middle]), search = decide(balls, n, k, budget);
    let step = search.next();
    while (!step.done) {
      yield best;
      step = search.next();
    }
    if (step.value === undefined) break;
    if (step.value === null) low = middle;
    else accept(step.value);
    high = where(best.key);
    best.low = low < 0 ? 0 : sorted[low + 1];
  }
  best.proven = high - low <= 1;
  best.low = best.proven ? best.key : best.low;
  yield best;
}
