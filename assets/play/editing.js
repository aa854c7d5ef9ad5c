/* Points under the hand: what the pointer and the keyboard ask of the app. */

const EDITING = {
  /** The pointer is over (x, y), or away: find the test point there, and what the attack does to it. */
  point(at) {
    const i = at && this.ready ? this.pointer.nearest(at, this.test.xy, 18) : null;
    if ((this.hover?.i ?? null) === i && this.hover?.part !== "train") return;
    this.hover = i === null ? null : this.threatOf({ i });
    this.wake();
  },

  /** The attack on one test point, with its way, the outputs there, and what is certified. */
  threatOf({ i, part = "test" }) {
    const { state, model } = this, { xy, labels } = this[part], path = [];
    if (i >= labels.length || !model) return null;
    const x = xy[2 * i], y = xy[2 * i + 1], label = labels[i];
    const outputs = Array.from(model.value(x, y)), safe = model.safe ? model.safe(x, y, label, state.norm) : null;
    const end = attackPoint(model, x, y, label, { norm: state.norm, eps: state.eps }, path);
    return { i, part, x, y, label, path, outputs, safe, end, after: Array.from(model.value(end.x, end.y)) };
  },

  /** Show a train point as the one that arrows move. */
  choose(i) {
    this.selected = i;
    this.hover = i === null || !this.ready ? null : this.threatOf({ i, part: "train" });
    this.wake();
  },

  /** Make the points the reader's own before the first change: on the grid of the link, from here on. */
  own() {
    if (this.edited) return;
    this.edited = { xy: this.train.xy.map(snap), labels: Uint8Array.from(this.train.labels) };
    this.train = this.edited;
    if (this.state.data === "own") this.test = this.train;
  },

  add(at) {
    if (this.train.labels.length >= MOST_POINTS) {
      this.say(`No more than ${MOST_POINTS} points: delete some first.`);
      return null;
    }
    this.edited = { xy: Float64Array.from([...this.train.xy, ...at.map(snap)]), labels: Uint8Array.from([...this.train.labels, this.brush]) };
    this.replaced();
    return this.train.labels.length - 1;
  },

  remove(i) {
    const keep = Array.from(this.train.labels.keys()).filter((j) => j !== i);
    this.edited = { xy: Float64Array.from(keep.flatMap((j) => [this.train.xy[2 * j], this.train.xy[2 * j + 1]]), snap), labels: Uint8Array.from(keep, (j) => this.train.labels[j]) };
    this.selected = null;
    this.replaced();
    this.remember();
  },

  clear() {
    this.edited = { xy: new Float64Array(0), labels: new Uint8Array(0) };
    this.selected = null;
    this.replaced();
    this.remember();
  },

  moveTo(i, [x, y], keep = false) {
    this.own();
    this.train.xy[2 * i] = snap(x);
    this.train.xy[2 * i + 1] = snap(y);
    if (this.selected !== null) this.selected = i;
    this.arranged();
    this.follow();
    if (keep) this.remember();
  },

  /** The drag ended. */
  settle() {
    this.remember();
    this.stale.picture = true;
    this.wake();
  },

  /** Other points: the same settings on them. */
  replaced() {
    this.train = this.edited;
    if (this.state.data === "own") this.test = this.train;
    this.hover = null;
    this.arranged();
    this.begin(!calm());
  },

  /** A point moved: what is learned goes on learning, everything else is found anew. */
  follow() {
    const { method } = this;
    if (!method.resume) return this.begin(true);
    Object.assign(method, { train: this.train, mean: this.mean });
    method.resume();
    this.playing = !calm();
    this.supportMoved();
  },

  /** Keep own points in the link. */
  remember() {
    if (this.edited) this.state.points = packPoints(this.edited);
    this.keepLink();
  },

  paintWith(label) {
    this.brush = label;
    this.wake();
  },
};
