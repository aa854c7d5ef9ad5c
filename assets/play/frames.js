/* One frame: bring what is stale up to date in order, then rest until something moves.
 *
 * Learning goes on until the frame's time is spent, so that the page stays quick whatever it computes. */

const FRAME = 12; // milliseconds of work in one frame, beside the drawing
const SPEEDS = { 1: 0.25, 2: 1, 3: 3, 4: 8 }; // method steps a frame

const FRAMES = {
  wake() {
    if (!this.frame && this.toys) this.frame = requestAnimationFrame(() => this.tick());
  },

  stop() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.linking);
    this.frame = 0;
  },

  tick() {
    this.frame = 0;
    const deadline = now() + FRAME;
    this.advance(deadline);
    if (this.ready) this.refresh(deadline);
    else Object.assign(this, { model: null, result: null, limit: null });
    this.show();
    this.frames++;
    if (this.playing || this.training?.left > 0 || this.pending()) this.wake();
  },

  /** Move the method on. */
  advance(deadline) {
    if (!this.playing) return;
    let moved = false;
    this.debt += this.until ? this.until - this.method.steps : SPEEDS[this.state.speed];
    for (; this.debt >= 1 && !this.method.done; this.debt--) {
      moved = this.method.advance(deadline) || moved;
      if (now() > deadline) this.debt = Math.min(this.debt, 1);
    }
    if (moved) this.supportMoved();
    const there = this.until && this.method.steps >= this.until;
    if (there) this.until = 0;
    if (there || this.method.done) this.rest();
  },

  /** Motion ended: a finer picture of the same classifier. */
  rest() {
    this.playing = false;
    this.stale.picture = true;
  },

  /** Bring classifier, attack and curve up to date. */
  refresh(deadline) {
    const { state, stale, support, classes, mean } = this, budget = { norm: state.norm, eps: state.eps };
    const width = state.model === "network" && state.width !== Infinity, depth = state.model === "network" ? 1 : state.depth;
    if (stale.model && width) {
      if (this.training) this.training.again(support, mean);
      else this.training = new Training(state.width, classes, mean, state.seed, support);
      this.limitModel = fitKernel(support, classes, 1, mean, state.training, budget);
    } else if (stale.model) {
      this.model = state.model === "nearest" ? new NearestPoint(support.xy, support.labels, classes)
        : fitKernel(support, classes, depth, mean, state.training, budget);
      this.training = this.limitModel = null;
    }
    if (this.training) {
      this.model = this.training.network;
      if (this.training.advance(support, state.training, budget, Math.max(deadline, now() + FRAME / 2))) stale.model = true;
      else if (this.training.left === 0 && !this.training.rested) this.training.rested = stale.picture = true;
    }
    if (stale.model) this.old = CURVE.map(() => true);
    if (stale.model || stale.picture) {
      this.plane.surface(this.model, this.side(), state.model === "nearest" ? 0.05 : 1);
      this.plane.limitOf(this.limitModel, 60);
    }
    const later = stale.model && this.spare();
    if ((stale.model || stale.attack) && !later) {
      this.result = attackAll(this.model, this.test.xy, this.test.labels, budget);
      this.limit = this.limitModel ? attackAll(this.limitModel, this.test.xy, this.test.labels, budget) : null;
      this.safe = state.model === "nearest" ? safeRadii(this.model, this.test.xy, this.test.labels, state.norm) : null;
      if (this.hover) this.hover = this.threatOf(this.hover);
    }
    this.stale = later ? { attack: true } : {};
    this.traceCurve(deadline);
  },

  /** Whether this frame leaves the numbers to the next: only while many points move. */
  spare() {
    return this.playing && this.support.labels.length > 30 && this.frames % 2 === 1;
  },

  /** Nodes of the surface along one side: fewer while it moves, or where a point costs more. */
  side() {
    const cost = this.model.width ? this.model.width / 6 : this.model.support ? this.model.support.n : 8;
    const moving = this.playing || this.training?.left > 0 || this.pointer.held !== null;
    return Math.round(Math.min(moving ? 64 : 120, Math.max(28, Math.sqrt((moving ? 250000 : 1200000) / (cost + 5)))));
  },

  /** One more point of the curve a frame, more while there is time; what is left makes the page come back. */
  traceCurve(deadline) {
    if (!this.old.includes(true)) return;
    let next = this.traced = ((this.traced ?? -1) + 1) % CURVE.length;
    while (!this.old[next]) next = this.traced = (next + 1) % CURVE.length;
    const found = attackAll(this.model, this.test.xy, this.test.labels, { norm: this.state.norm, eps: CURVE[next] });
    this.curve[next] = found.robust / found.n;
    this.old[next] = false;
    if (now() < deadline) this.traceCurve(deadline);
  },

  pending() {
    return this.ready && (this.old?.includes(true) || this.stale.model || this.stale.attack);
  },
};
