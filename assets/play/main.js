/* The app: what it holds, and what every control changes. A change marks what it makes stale; frames do the rest. */

const SESSION = "ballast.play";

/** The settings of the link, or without any those that were left in this tab. */
function rememberedQuery() {
  const { search } = window.location;
  return search.includes("play.") ? search : (window.sessionStorage.getItem(SESSION) ?? "");
}

const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

class App {
  constructor(root) {
    this.root = root;
    this.plane = new Plane(root.querySelector(".picture"));
    this.pointer = new Pointer(this, root.querySelector(".picture"));
    Object.assign(this, { hover: null, selected: null, frame: 0, edited: null, playing: false, brush: 0, debt: 0, curve: [], frames: 0 });
    this.state = readState(rememberedQuery());
    makeControls(root, (name, value) => this.change(name, value));
    this.listen();
    new ResizeObserver(() => this.look()).observe(root.querySelector(".plane"));
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(() => this.look(), 300));
  }

  /** Sizes and colours may be others now. */
  look() {
    const line = this.root.querySelector(".line");
    line.space = { width: line.clientWidth, height: line.clientHeight };
    this.plane.measure();
    if (this.stale) this.stale.picture = true;
    this.wake();
  }

  listen() {
    const { root } = this, line = root.querySelector(".line");
    const actions = {
      play: () => this.play(!this.playing), step: () => this.step(), reset: () => this.begin(true),
      draw: () => this.change("seed", this.state.seed + 1), lab: () => this.openLab(), link: () => this.copyLink(),
      save: () => this.save(), clear: () => this.clear(),
    };
    root.querySelector(".play").addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button?.dataset.do) actions[button.dataset.do]();
      if (button?.dataset.brush) this.paintWith(Number(button.dataset.brush));
    });
    const pull = (event) => event.buttons && this.change("eps", epsAt(line, event.clientX - line.getBoundingClientRect().left));
    line.addEventListener("pointerdown", pull);
    line.addEventListener("pointermove", pull);
  }

  /** New data from the page: the toys' points, and how to answer it. */
  update({ data, setTriggerValue }) {
    const first = !this.toys;
    this.toys = data.toys;
    this.send = setTriggerValue;
    this.look();
    if (first && !window.location.search.includes("play.")) this.keepLink();
    if (first) this.load(this.state.points ? unpackPoints(this.state.points) : null);
    this.wake();
  }

  /** Take the points of the chosen data set, or points of the reader's own, and begin. */
  load(own) {
    const toy = this.toys[this.state.data] ?? this.toys[START.data], points = (part) => ({ xy: Float64Array.from(part.xy, Math.fround), labels: Uint8Array.from(part.y) });
    this.edited = own;
    this.train = own ?? points(toy.train);
    this.test = this.state.data === "own" ? this.train : points(toy.test);
    this.classes = this.state.data === "own" ? 3 : toy.classes;
    this.selected = null;
    this.arranged();
    this.begin(!this.state.at && !calm());
  }

  /** Class count, mean and separation of the points as they are. */
  arranged() {
    const { xy, labels } = this.train, n = Math.max(1, labels.length);
    if (this.state.data === "own") this.classes = Math.max(2, ...Array.from(labels, (l) => l + 1));
    this.mean = [0, 1].map((d) => labels.reduce((sum, _, i) => sum + xy[2 * i + d] / n, 0));
    this.separation = separationOf(this.train, this.state.norm);
    this.ready = new Set(labels).size > 1;
  }

  /** Start the method afresh; `play` says whether it moves at once. */
  begin(play) {
    this.method = condense(this.state, this.train, this.classes, this.mean);
    this.training = null;
    this.debt = 0;
    this.until = Math.min(Number(this.state.at) || 0, this.method.total || 100); // a link may begin in the middle
    this.playing = this.ready && !this.method.done && (play || this.until > 0 || this.state.method === "cover");
    this.supportMoved();
  }

  supportMoved() {
    this.support = this.method.support;
    this.radii = ballRadii(this.support, this.train, this.state.norm);
    this.radius = Math.max(0, ...this.radii);
    this.stale = { model: true };
    this.wake();
  }

  change(name, value) {
    const { state } = this, before = state.data;
    state[name] = value;
    this.fresh = false;
    if (name === "data") {
      state.points = state.at = "";
      const keep = value === "own" ? { xy: this.train.xy.map(snap), labels: this.train.labels } : null;
      if (before !== value) this.load(keep);
      if (keep) this.remember();
    } else if (["method", "k", "seed"].includes(name) || (name === "depth" && state.method.endsWith("kip"))
      || (name === "norm" && ["cover", "adv-kip"].includes(state.method))) {
      state.at = "";
      if (name === "norm") this.arranged();
      this.begin(!calm());
    } else if (["model", "depth", "width", "training"].includes(name)) {
      this.training = null;
      this.stale = { model: true };
    } else if (name === "norm" || name === "eps") this.threatChanged(name);
    this.wake();
    this.keepLink();
  }

  /** eps and norm leave the classifier as it is, unless it was trained against them. */
  threatChanged(name) {
    const { state, stale } = this;
    if (state.method === "adv-kip" && !this.method.done) this.method.eps = state.eps;
    if (name === "norm") {
      this.arranged();
      this.radii = ballRadii(this.support, this.train, state.norm);
      this.radius = Math.max(0, ...this.radii);
      this.curve = [];
    }
    stale.attack = true;
    if (state.training === "adversarial" && state.model !== "nearest") stale.model = true;
    if (this.training) this.training.again(this.support, this.mean);
  }

  play(on) {
    this.until = 0;
    if (on && this.method.done) this.begin(true);
    this.playing = on;
    this.stale.picture = true;
    this.state.at = on ? "" : String(this.method.steps);
    this.keepLink();
    this.wake();
  }

  step() {
    this.playing = false;
    if (this.method.done && this.state.method === "random") return this.change("seed", this.state.seed + 1);
    if (!this.method.done && this.method.advance(now())) this.supportMoved();
    this.state.at = String(this.method.steps);
    this.keepLink();
    this.wake();
  }
}
