/* Learned condensed points: k-means by rounds, KIP and adv-KIP by gradient steps.
 *
 * KIP moves the support so that kernel regression on it predicts the train points (Nguyen et al. 2021,
 * arXiv:2011.00050); adv-KIP has it predict attacked ones (Tsilivis et al. 2022, arXiv:2207.11727, algorithm 1).
 * Python's: core/compressors/kernel/regression.py. Cost of a step: (train + support) x support kernels, and the attack's. */

const KIP = { steps: 400, rate: 0.01, attackSteps: 10, warmup: 0.5 };

/** Mean squared error over a batch of the regressor fitted on the support, and its gradient in the support. */
function kipGradient(model, xy, labels) {
  const { classes, depth, support, solution, table, mean } = model, m = support.n, n = labels.length;
  const batch = lift(xy, mean), targets = centredTargets(labels, classes), alpha = solution.alpha;
  const grad = new Float64Array(2 * m), gAlpha = new Float64Array(m * classes), row = new Float64Array(m);
  const g = new Float64Array(classes);
  let loss = 0;
  for (let i = 0; i < n; i++) {
    g.fill(0);
    for (let j = 0; j < m; j++) {
      row[j] = (2 / 3) * batch.length[i] * support.length[j] * kappaAt(halfChord(batch, i, support, j), depth, table).value;
      for (let c = 0; c < classes; c++) g[c] += row[j] * alpha[j * classes + c];
    }
    for (let c = 0; c < classes; c++) {
      const away = g[c] - targets[i * classes + c];
      loss += (away * away) / n;
      g[c] = (2 * away) / n;
    }
    for (let j = 0; j < m; j++) {
      let weight = 0;
      for (let c = 0; c < classes; c++) {
        weight += g[c] * alpha[j * classes + c];
        gAlpha[j * classes + c] += row[j] * g[c];
      }
      addKernelGradient(grad, support, j, batch, i, weight, depth, table);
    }
  }
  addSolveGradient(grad, model, gAlpha);
  return { loss, grad };
}

/** Through alpha = (K + ridge tr(K)/m I)^-1 y: G = -(A^-1 g) alpha', and its trace on the diagonal. */
function addSolveGradient(grad, model, gAlpha) {
  const { classes, depth, support, solution, table } = model, m = support.n;
  const gY = solveFactored(solution.factor, m, gAlpha, classes), G = new Float64Array(m * m);
  let trace = 0;
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++) {
      for (let c = 0; c < classes; c++) G[i * m + j] -= gY[i * classes + c] * solution.alpha[j * classes + c];
      if (i === j) trace += G[i * m + i];
    }
  const even = (trace * (RIDGE + solution.jitter)) / m;
  for (let i = 0; i < m; i++) {
    const twice = (4 / 3) * (G[i * m + i] + even) * (depth + 1) * support.length[i];
    for (let d = 0; d < 2; d++) grad[2 * i + d] += twice * support.direction[3 * i + d];
    for (let j = 0; j < m; j++) if (j !== i) addKernelGradient(grad, support, i, support, j, G[i * m + j] + G[j * m + i], depth, table);
  }
}

/** Add weight * dK(a_i, b_j)/da_i in the plane. */
function addKernelGradient(grad, a, i, b, j, weight, depth, table) {
  const at = kappaAt(halfChord(a, i, b, j), depth, table), u = a.direction, v = b.direction;
  const rho = u[3 * i] * v[3 * j] + u[3 * i + 1] * v[3 * j + 1] + u[3 * i + 2] * v[3 * j + 2];
  const scale = (2 / 3) * weight * b.length[j], radial = at.value + rho * at.bend;
  grad[2 * i] += scale * (radial * u[3 * i] - at.bend * v[3 * j]);
  grad[2 * i + 1] += scale * (radial * u[3 * i + 1] - at.bend * v[3 * j + 1]);
}

/** Adam with its usual constants, kept within the unit square. */
class Adam {
  constructor(size, rate) {
    Object.assign(this, { rate, steps: 0, first: new Float64Array(size), second: new Float64Array(size) });
  }

  move(xy, grad, scale) {
    this.steps++;
    const one = 1 - 0.9 ** this.steps, two = 1 - 0.999 ** this.steps;
    for (let i = 0; i < xy.length; i++) {
      this.first[i] = 0.9 * this.first[i] + 0.1 * grad[i];
      this.second[i] = 0.999 * this.second[i] + 0.001 * grad[i] * grad[i];
      xy[i] = clip(xy[i] - (this.rate * scale * this.first[i]) / one / (Math.sqrt(this.second[i] / two) + 1e-8));
    }
  }
}

/** Rows of `k` points of each class, drawn by a seed. */
function drawRows(labels, classes, k, random) {
  const rows = [];
  for (let c = 0; c < classes; c++) {
    const own = Array.from(labels.keys()).filter((i) => labels[i] === c);
    for (let i = 0; i < Math.min(k, own.length); i++) {
      const j = i + Math.floor(random() * (own.length - i));
      [own[i], own[j]] = [own[j], own[i]];
    }
    rows.push(...own.slice(0, k).sort((a, b) => a - b));
  }
  return rows;
}

/** One round of Lloyd's for each class: assign, then average. Returns whether a point moved. */
function meansRound(support, supportLabels, xy, labels) {
  const sums = new Float64Array(support.length), counts = new Float64Array(supportLabels.length);
  for (let i = 0; i < labels.length; i++) {
    let best = -1, nearest = Infinity;
    for (let j = 0; j < supportLabels.length; j++) {
      const away = (xy[2 * i] - support[2 * j]) ** 2 + (xy[2 * i + 1] - support[2 * j + 1]) ** 2;
      if (supportLabels[j] === labels[i] && away < nearest) [best, nearest] = [j, away];
    }
    sums[2 * best] += xy[2 * i];
    sums[2 * best + 1] += xy[2 * i + 1];
    counts[best]++;
  }
  let moved = false;
  counts.forEach((count, j) => {
    for (let d = 0; d < 2 && count; d++) {
      moved ||= support[2 * j + d] !== sums[2 * j + d] / count;
      support[2 * j + d] = sums[2 * j + d] / count;
    }
  });
  return moved;
}
