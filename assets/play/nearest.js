/* The nearest condensed point as a classifier, and the radius within which its answer provably cannot change.
 *
 * For a with the label of x and b with another, |x-b|^2 - |x-a|^2 is affine in x with gradient 2(a-b), so that
 *   r(x) = max_a min_b (|x-b|^2 - |x-a|^2) / (2 |a-b|_q),  1/p + 1/q = 1,
 * is safe in the p-norm: q = 1 for Linf, 2 for L2, infinity for L1. The unit square is not used, so it stays valid.
 * Cost: supports squared for each point. */

const DUAL = { Linf: "L1", L2: "L2", L1: "Linf" };

/** Outputs are minus the squared distance to the nearest point of each class. */
class NearestPoint {
  constructor(xy, labels, classes) {
    Object.assign(this, { xy, labels, classes, out: new Float64Array(classes), who: new Int32Array(classes) });
  }

  value(x, y) {
    const { xy, labels, out, who } = this;
    out.fill(-Infinity);
    for (let i = 0; i < labels.length; i++) {
      const near = -((x - xy[2 * i]) ** 2 + (y - xy[2 * i + 1]) ** 2), c = labels[i];
      if (near > out[c]) [out[c], who[c]] = [near, i];
    }
    this.at = [x, y];
    return out;
  }

  pullback(g, grad) {
    grad[0] = grad[1] = 0;
    for (let c = 0; c < this.classes; c++) {
      if (!g[c] || this.out[c] === -Infinity) continue;
      grad[0] += 2 * g[c] * (this.xy[2 * this.who[c]] - this.at[0]);
      grad[1] += 2 * g[c] * (this.xy[2 * this.who[c] + 1] - this.at[1]);
    }
  }

  /** The certified radius of a point whose answer should be `label`; negative where the answer is another. */
  safe(x, y, label, norm) {
    const { xy, labels } = this, square = (i) => (x - xy[2 * i]) ** 2 + (y - xy[2 * i + 1]) ** 2;
    let best = -Infinity;
    for (let a = 0; a < labels.length; a++) {
      if (labels[a] !== label) continue;
      let least = Infinity;
      for (let b = 0; b < labels.length; b++) {
        if (labels[b] === label) continue;
        const apart = lengthOf(xy[2 * a] - xy[2 * b], xy[2 * a + 1] - xy[2 * b + 1], DUAL[norm]);
        least = Math.min(least, apart ? (square(b) - square(a)) / (2 * apart) : square(b) > square(a) ? Infinity : 0);
      }
      best = Math.max(best, least);
    }
    return best;
  }
}

/** The certified radius of every point. */
function safeRadii(model, xy, labels, norm) {
  return Float64Array.from(labels, (label, i) => model.safe(xy[2 * i], xy[2 * i + 1], label, norm));
}
