/* The live condensing methods: each is told the train points and gives a support that may still move.
 *
 * A method has `support`, `done`, `steps`, `total`, `note()`, and `advance(deadline)`, which goes on until the clock
 * says so or one step is made. Nothing here draws. */

const now = () => performance.now();

/** Start a method on train points. */
function condense({ method, k, norm, eps, depth, seed }, train, classes, mean) {
  const random = randomFrom(1000 * seed + 17);
  if (method === "cover") return new Covering(train, classes, norm, k);
  const rows = drawRows(train.labels, classes, k, random);
  const support = { xy: Float64Array.from(rows.flatMap((i) => [train.xy[2 * i], train.xy[2 * i + 1]])),
                    labels: Uint8Array.from(rows, (i) => train.labels[i]) };
  if (method === "random") return new Still(support, seed);
  if (method === "k-means") return new Means(support, train);
  return new Kip(support, train, { classes, depth, mean, norm, random, eps: method === "adv-kip" ? eps : 0 });
}

/** Points drawn at random: there is nothing to wait for. */
class Still {
  constructor(support, seed) {
    Object.assign(this, { support, done: true, steps: 0, total: 0, seed });
  }

  note() {
    return `drawn at random, draw ${this.seed + 1}`;
  }
}

/** An optimal cover of each class, one class after another; the last cover stays until a better one is there. */
class Covering {
  constructor(train, classes, norm, k) {
    this.norm = norm;
    this.parts = [];
    for (let c = 0; c < classes; c++) {
      const rows = Array.from(train.labels.keys()).filter((i) => train.labels[i] === c);
      if (!rows.length) continue;
      const xy = Float64Array.from(rows.flatMap((i) => [train.xy[2 * i], train.xy[2 * i + 1]]));
      const work = coverClass(xy, norm, Math.min(k, rows.length));
      this.parts.push({ label: c, xy, work, best: work.next().value, ended: false });
    }
    Object.assign(this, { done: !this.parts.length, steps: 0, total: 0 });
    this.collect();
  }

  collect() {
    const chosen = this.parts.flatMap(({ xy, best, label }) => best.centres.map((c) => [xy[2 * c], xy[2 * c + 1], label]));
    this.support = { xy: Float64Array.from(chosen.flatMap(([x, y]) => [x, y])), labels: Uint8Array.from(chosen, (c) => c[2]) };
  }

  advance(deadline) {
    let changed = false;
    while (!this.done && (now() < deadline || !changed)) {
      const part = this.parts.find((p) => !p.ended), before = part.best.key;
      part.ended = part.work.next().done;
      changed ||= part.best.key !== before || part.ended;
      this.done = this.parts.every((p) => p.ended);
      if (now() >= deadline) break;
    }
    if (changed) this.collect();
    return changed;
  }

  note() {
    if (!this.parts.length) return "no points to cover";
    const radius = radiusOf(Math.max(...this.parts.map((p) => p.best.key)), this.norm);
    const low = radiusOf(Math.max(...this.parts.map((p) => p.best.low)), this.norm);
    if (this.parts.every((p) => p.best.proven)) return `η = ${radius.toFixed(4)}, proven smallest`;
    return this.done ? `η = ${radius.toFixed(4)}, not proven: at least ${low.toFixed(4)}` : `η ≤ ${radius.toFixed(4)}, searching`;
  }
}

/** Lloyd's rounds. */
class Means {
  constructor(support, train) {
    Object.assign(this, { support, train, done: false, steps: 0, total: 0 });
  }

  advance() {
    this.done = !meansRound(this.support.xy, this.support.labels, this.train.xy, this.train.labels);
    this.steps++;
    return true;
  }

  resume() {
    this.done = false;
  }

  note() {
    return this.done ? `settled after ${this.steps} rounds` : `round ${this.steps}`;
  }
}

/** KIP, and adv-KIP when eps is not 0; eps may change while it runs. */
class Kip {
  constructor(support, train, options) {
    Object.assign(this, { support, train, ...options, done: false, steps: 0, total: KIP.steps, loss: NaN });
    this.adam = new Adam(support.xy.length, KIP.rate);
  }

  advance() {
    const { support, train, classes, depth, mean, norm, random } = this;
    const model = new KernelRegressor(support.xy, support.labels, classes, depth, mean);
    const eps = this.eps * Math.min(1, (this.steps + 1) / (KIP.warmup * KIP.steps));
    let batch = train.xy;
    if (eps) {
      const start = train.xy.map((v) => v + eps * (2 * random() - 1));
      batch = attackSquared(model, train.xy, train.labels, { norm, eps, steps: KIP.attackSteps }, start);
    }
    const { loss, grad } = kipGradient(model, batch, train.labels);
    this.adam.move(support.xy, grad, 0.5 * (1 + Math.cos((Math.PI * this.steps) / KIP.steps)));
    this.loss = loss;
    this.done = ++this.steps >= KIP.steps;
    return true;
  }

  /** The train points changed: go on learning for a while. */
  resume() {
    this.steps = Math.min(this.steps, Math.round(0.6 * KIP.steps));
    this.done = false;
  }

  note() {
    return `step ${this.steps} of ${KIP.steps}` + (this.steps ? ` · loss ${this.loss.toFixed(3)}` : "");
  }
}
