/* The tangent kernel of a wide fully connected network, and regression with it.
 *
 * A point of the plane is lifted to (x - mean x, y - mean y, LIFT): the constant lets the boundary miss the origin,
 * since the kernel of a network without biases only sees angles: K(x, z) = (2/3) |x| |z| kappa(cos angle).
 * kappa is tabulated once per depth over half the chord between the two directions, t = |u - v| / 2 = sin(angle / 2),
 * in which it is smooth down to t = 0, where over the cosine it has a vertical tangent.
 * Sources: Jacot et al. 2018, arXiv:1806.07572; Arora et al. 2019, arXiv:1904.11955. Python's: core/kernels. */

const LIFT = 0.3;
const RIDGE = 1e-6; // relative to the mean diagonal of the kernel
const JITTERS = [0, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4];
const CELLS = 4096, FAR = 0.95; // cells of the table, and the half chord up to which it reaches
const KINK = 2 * Math.sqrt(Number.EPSILON); // sines below count as 0, where the slope over the angle jumps

/** kappa and its derivative at a cosine, by the recursion over `depth` hidden layers. */
function kappa(rho, depth) {
  let value = rho, slope = 1, now = rho, grown = 1;
  for (let layer = 0; layer < depth; layer++) {
    const sine = Math.sqrt(Math.max(0, 1 - now * now));
    const k = 1 - Math.atan2(sine, now) / Math.PI;
    const turn = sine < KINK ? 0 : (value * grown) / (Math.PI * sine);
    grown *= k;
    slope = slope * k + turn + grown;
    now = k * now + sine / Math.PI;
    value = now + k * value;
  }
  return { value, slope };
}

const TABLES = new Map();

/** Four coefficients of a cubic for each cell, from value and slope at its ends. */
function kappaTable(depth) {
  if (TABLES.has(depth)) return TABLES.get(depth);
  const table = new Float64Array(4 * CELLS), h = FAR / CELLS;
  const end = (i) => {
    if (i === 0) return { value: depth + 1, slope: (-depth * (depth + 1) / Math.PI) * h };
    const t = i * h, at = kappa(1 - 2 * t * t, depth);
    return { value: at.value, slope: -4 * t * at.slope * h };
  };
  for (let i = 0, low = end(0); i < CELLS; i++) {
    const high = end(i + 1), drop = low.value - high.value;
    table.set([low.value, low.slope, -3 * drop - 2 * low.slope - high.slope, 2 * drop + low.slope + high.slope], 4 * i);
    low = high;
  }
  TABLES.set(depth, table);
  return table;
}

const CELL = { value: 0, bend: 0 };

/** kappa at half chord t, and bend = -d kappa / d cos: 0 at t = 0, the middle of its subgradients. Reuses CELL. */
function kappaAt(t, depth, table) {
  if (t >= FAR) {
    const at = kappa(1 - 2 * t * t, depth);
    CELL.value = at.value;
    CELL.bend = -at.slope;
    return CELL;
  }
  const place = (t * CELLS) / FAR, cell = place | 0, f = place - cell, i = 4 * cell;
  const b = table[i + 1], c = table[i + 2], d = table[i + 3];
  CELL.value = table[i] + f * (b + f * (c + f * d));
  CELL.bend = t > 0 ? ((b + f * (2 * c + 3 * f * d)) * CELLS) / (FAR * 4 * t) : 0;
  return CELL;
}

/** Directions (3 numbers each) and lengths of lifted points. */
function lift(xy, mean) {
  const n = xy.length / 2, direction = new Float64Array(3 * n), length = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const a = xy[2 * i] - mean[0], b = xy[2 * i + 1] - mean[1];
    const size = (length[i] = Math.sqrt(a * a + b * b + LIFT * LIFT));
    direction.set([a / size, b / size, LIFT / size], 3 * i);
  }
  return { direction, length, n };
}

/** Half the chord between direction i of one lift and j of another. */
function halfChord(a, i, b, j) {
  const p = a.direction[3 * i] - b.direction[3 * j];
  const q = a.direction[3 * i + 1] - b.direction[3 * j + 1];
  const r = a.direction[3 * i + 2] - b.direction[3 * j + 2];
  return 0.5 * Math.sqrt(p * p + q * q + r * r);
}

/** K between two lifts, row by row. */
function kernelMatrix(a, b, depth) {
  const table = kappaTable(depth), out = new Float64Array(a.n * b.n);
  for (let i = 0; i < a.n; i++)
    for (let j = 0; j < b.n; j++)
      out[i * b.n + j] = (2 / 3) * a.length[i] * b.length[j] * kappaAt(halfChord(a, i, b, j), depth, table).value;
  return out;
}

/** Lower Cholesky factor of an n x n matrix, or null when it is not positive definite. */
function cholesky(matrix, n) {
  const L = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j];
      for (let k = 0; k < j; k++) sum -= L[i * n + k] * L[j * n + k];
      if (i !== j) L[i * n + j] = sum / L[j * n + j];
      else if (sum > 0) L[i * n + i] = Math.sqrt(sum);
      else return null;
    }
  return L;
}

/** Solve L L' x = right for each of its `columns`. */
function solveFactored(L, n, right, columns) {
  const x = Float64Array.from(right);
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < n; i++) {
      let sum = x[i * columns + c];
      for (let k = 0; k < i; k++) sum -= L[i * n + k] * x[k * columns + c];
      x[i * columns + c] = sum / L[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = x[i * columns + c];
      for (let k = i + 1; k < n; k++) sum -= L[k * n + i] * x[k * columns + c];
      x[i * columns + c] = sum / L[i * n + i];
    }
  }
  return x;
}

/** Labels as one-hot minus 1/C, row by row. */
function centredTargets(labels, classes) {
  const out = new Float64Array(labels.length * classes).fill(-1 / classes);
  labels.forEach((label, i) => (out[i * classes + label] += 1));
  return out;
}

/** (K + ridge tr(K)/m I) alpha = targets, in the factor's own form so that KIP can go back through it. */
function solveRidge(gram, m, targets, classes) {
  let scale = 0;
  for (let i = 0; i < m; i++) scale += gram[i * m + i] / m;
  for (const jitter of JITTERS) {
    const shifted = Float64Array.from(gram);
    for (let i = 0; i < m; i++) shifted[i * m + i] += scale * (RIDGE + jitter);
    const factor = cholesky(shifted, m);
    if (factor) return { factor, jitter, alpha: solveFactored(factor, m, targets, classes) };
  }
  return { factor: null, jitter: NaN, alpha: new Float64Array(m * classes) };
}

/** Kernel regression on support points; `value` at a point, then `pullback` of weights on its outputs there. */
class KernelRegressor {
  constructor(xy, labels, classes, depth, mean) {
    this.classes = classes;
    this.depth = depth;
    this.mean = mean;
    this.support = lift(xy, mean);
    this.table = kappaTable(depth);
    const m = this.support.n;
    this.solution = solveRidge(kernelMatrix(this.support, this.support, depth), m, centredTargets(labels, classes), classes);
    this.weight = this.solution.alpha.map((a, i) => (2 / 3) * a * this.support.length[Math.floor(i / classes)]);
    this.out = new Float64Array(classes);
    this.chord = new Float64Array(m); // half chords to the point of the last `value`
    this.kept = new Float64Array(m); // and kappa there
  }

  value(x, y) {
    const { out, classes, weight, table, depth, chord, kept } = this, v = this.support.direction, m = this.support.n;
    const a = x - this.mean[0], b = y - this.mean[1], length = Math.sqrt(a * a + b * b + LIFT * LIFT);
    const p = (this.p = a / length), q = (this.q = b / length), r = (this.r = LIFT / length), scale = CELLS / FAR;
    out.fill(0);
    for (let j = 0; j < m; j++) {
      const d = p - v[3 * j], e = q - v[3 * j + 1], f = r - v[3 * j + 2];
      const t = (chord[j] = 0.5 * Math.sqrt(d * d + e * e + f * f));
      let k;
      if (t < FAR) { // as in kappaAt, without the slope: most callers never ask for it
        const place = t * scale, cell = place | 0, g = place - cell, i = 4 * cell;
        k = table[i] + g * (table[i + 1] + g * (table[i + 2] + g * table[i + 3]));
      } else k = kappaAt(t, depth, table).value;
      kept[j] = k;
      for (let c = 0; c < classes; c++) out[c] += k * weight[j * classes + c];
    }
    for (let c = 0; c < classes; c++) out[c] *= length;
    return out;
  }

  /** Gradient in the plane of sum_c g[c] f_c at the point of the last `value`. */
  pullback(g, grad) {
    const { classes, weight, table, depth, chord, kept, p, q, r } = this, v = this.support.direction, m = this.support.n;
    let radial = 0, gx = 0, gy = 0;
    for (let j = 0; j < m; j++) {
      let w = 0;
      for (let c = 0; c < classes; c++) w += g[c] * weight[j * classes + c];
      const turn = -w * kappaAt(chord[j], depth, table).bend, rho = p * v[3 * j] + q * v[3 * j + 1] + r * v[3 * j + 2];
      radial += w * kept[j] - turn * rho;
      gx += turn * v[3 * j];
      gy += turn * v[3 * j + 1];
    }
    grad[0] = gx + radial * p;
    grad[1] = gy + radial * q;
  }
}
