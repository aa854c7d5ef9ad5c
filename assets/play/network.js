/* A network of one hidden ReLU layer in tangent (NTK) parametrisation, trained by gradient descent.
 *
 * f(x) = sqrt(2/w) V relu(sqrt(2/3) W x / SPREAD) on the lifted point x. As w grows, training it is kernel regression with the
 * kernel of depth 1. Units begin in pairs with opposite V, so f = 0 at first, as in the limit (Chizat et al. 2019,
 * arXiv:1812.07956). Nesterov's momentum; the step is the inverse of the sharpest curvature of the limit.
 * Source: Jacot et al. 2018, arXiv:1806.07572. Cost of a step: points x width. */

const MOMENTUM = 0.9;
const SPREAD = 0.25; // about the standard deviation of the data: inputs are in units of it, as networks like them

/** A source of numbers in [0, 1) that a seed repeats (mulberry32). */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A normal number by Box and Muller. */
const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

class Network {
  constructor(width, classes, mean, seed) {
    const random = randomFrom(seed);
    Object.assign(this, { width, classes, mean, steps: 0, loss: 1 - 1 / classes });
    this.W = new Float64Array(3 * width);
    this.V = new Float64Array(classes * width);
    for (let u = 0; u < width; u += 2) {
      for (let d = 0; d < 3; d++) this.W[3 * u + d] = this.W[3 * u + 3 + d] = normal(random);
      for (let c = 0; c < classes; c++) {
        this.V[c * width + u] = normal(random);
        this.V[c * width + u + 1] = -this.V[c * width + u];
      }
    }
    this.moves = [new Float64Array(3 * width), new Float64Array(classes * width)];
    this.hidden = new Float64Array(width);
    this.out = new Float64Array(classes);
    this.inner = Math.sqrt(2 / 3) / SPREAD;
    this.outer = Math.sqrt(2 / width);
  }

  value(x, y) {
    const { W, V, width, hidden, out, inner, outer } = this, a = (x - this.mean[0]) * inner, b = (y - this.mean[1]) * inner;
    const c = LIFT * inner;
    for (let u = 0, i = 0; u < width; u++, i += 3) {
      const h = W[i] * a + W[i + 1] * b + W[i + 2] * c;
      hidden[u] = h > 0 ? h : 0;
    }
    for (let k = 0, i = 0; k < this.classes; k++) {
      let sum = 0;
      for (let u = 0; u < width; u++, i++) sum += V[i] * hidden[u];
      out[k] = sum * outer;
    }
    return out;
  }

  pullback(g, grad) {
    const { W, V, width, hidden, classes } = this;
    let gx = 0, gy = 0;
    for (let u = 0; u < width; u++) {
      if (!(hidden[u] > 0)) continue;
      let back = 0;
      for (let k = 0; k < classes; k++) back += g[k] * V[k * width + u];
      gx += back * W[3 * u];
      gy += back * W[3 * u + 1];
    }
    grad[0] = gx * this.inner * this.outer;
    grad[1] = gy * this.inner * this.outer;
  }

  /** Mean squared error over labelled points, with its gradient in W and in V. */
  gradient(xy, labels) {
    const { W, V, width, hidden, classes, inner, outer } = this, n = labels.length;
    const gW = new Float64Array(W.length), gV = new Float64Array(V.length), g = new Float64Array(classes);
    let loss = 0;
    for (let p = 0; p < n; p++) {
      const x = xy[2 * p], y = xy[2 * p + 1], a = (x - this.mean[0]) * inner, b = (y - this.mean[1]) * inner;
      loss += squaredAt(this, x, y, labels[p], g) / n;
      for (let u = 0; u < width; u++) {
        if (!(hidden[u] > 0)) continue;
        let back = 0;
        for (let k = 0; k < classes; k++) {
          back += g[k] * V[k * width + u];
          gV[k * width + u] += (g[k] * hidden[u] * outer) / n;
        }
        back *= outer / n;
        gW[3 * u] += back * a;
        gW[3 * u + 1] += back * b;
        gW[3 * u + 2] += back * LIFT * inner;
      }
    }
    return { loss, gW, gV };
  }

  /** One step of gradient descent with Nesterov's momentum. */
  train(xy, labels, rate) {
    const { loss, gW, gV } = this.gradient(xy, labels);
    [[this.W, gW, this.moves[0]], [this.V, gV, this.moves[1]]].forEach(([weights, grads, move]) => {
      for (let i = 0; i < weights.length; i++) {
        move[i] = MOMENTUM * move[i] + grads[i];
        weights[i] -= rate * (grads[i] + MOMENTUM * move[i]);
      }
    });
    this.loss = loss;
    this.steps++;
  }
}

/** The step of gradient descent: one over the sharpest curvature of the loss in the limit of infinite width. A narrow
 * network may be sharper: `Training` halves it then. */
function learningRate(xy, mean) {
  const points = lift(xy, mean), n = points.n, gram = kernelMatrix(points, points, 1);
  let v = new Float64Array(n).fill(1), size = 0;
  for (let round = 0; round < 30; round++) {
    const next = v.map((_, i) => v.reduce((sum, value, j) => sum + gram[i * n + j] * value, 0));
    size = Math.sqrt(next.reduce((sum, value) => sum + value * value, 0));
    v = next.map((value) => value / size);
  }
  return (n * SPREAD * SPREAD) / (2 * size);
}
