/* One frame's picture and words, from the state of the app. */

const LEADS = {
  random: "A few points drawn at random stand for all the others: the bar for every method.",
  cover: "Each class is covered by a few balls as small as can be: their centres stand for all the others.",
  "k-means": "Each class is averaged into a few centres: they stand for all the others.",
  kip: "A few points are learned so that what is fitted on them predicts all the others.",
  "adv-kip": "A few points are learned so that what is fitted on them withstands an attack on all the others.",
};

const SHOWING = {
  show() {
    const view = this.view(), { root, state } = this;
    this.plane.draw(view);
    drawCurve(root.querySelector(".line"), view, this.plane.ink);
    if (!this.fresh) showControls(root, state);
    this.fresh = true;
    showNumbers(root, view);
    showBound(root, view);
    showFormula(root, view);
    this.showTransport(view);
    this.showCard(view);
    this.showBrush();
    put(root.querySelector(".lead"), `${LEADS[state.method]} Drag ε and watch points flip; drag a point and watch the boundary follow.`);
    put(root.querySelector("figcaption"), `Robust accuracy against ε under PGD-${STEPS}, ${NORMS[state.norm]}, n = ${this.test.labels.length}`
      + (view.certifiedCurve ? "; dotted: proven" : ""));
    const known = CURVE.flatMap((eps, i) => (i % 5 === 0 && this.curve[i] !== undefined ? [`${(100 * this.curve[i]).toFixed(0)} % at ε ${eps}`] : []));
    root.querySelector(".line").setAttribute("aria-label", `Robust accuracy against ε: ${known.join(", ")}`);
    const empty = root.querySelector(".empty");
    empty.hidden = this.ready;
    empty.textContent = "Click to add points; give two classes some.";
    const words = describe(view), picture = root.querySelector(".picture");
    if (!this.playing || this.frames % 60 === 0) root.querySelector(".description").textContent = words;
    picture.setAttribute("aria-label", `Plane with ${this.train.labels.length} train points. n and p choose a point, arrows move it, Delete removes it${state.data === "own" ? ", a adds one" : ""}.`
      + (this.selected === null ? "" : ` Chosen: point ${this.selected + 1}, ${this.named(this.train.labels[this.selected])}, at ${this.train.xy[2 * this.selected].toFixed(2)}, ${this.train.xy[2 * this.selected + 1].toFixed(2)}.`));
  },

  named: (label) => ["blue circle", "orange square", "green triangle"][label],

  view() {
    const { state, train, test, support, radii, radius, separation, result, limit, curve, model, safe } = this, n = test.labels.length;
    const count = (eps) => safe.reduce((sum, r) => sum + (r > eps), 0);
    return {
      state, train, test, support, radii, radius, separation, result, limit, curve, model, hover: this.hover, selected: this.selected,
      ready: this.ready, norm: state.norm, eps: state.eps, own: state.data === "own", balls: ballsShown(state) && this.ready,
      attacked: state.attacked === "yes", fresh: this.method.done || state.method !== "cover", dirty: this.old?.includes(true),
      note: this.method.note(), certified: safe ? count(state.eps) : null, certifiedCurve: safe ? CURVE.map((eps) => count(eps) / n) : null,
      pool: state.data === "own" ? `the same ${n} points it was made from` : `${n} test points`, classNames: [0, 1, 2].map((c) => this.named(c).split(" ")[0]),
    };
  },

  showTransport({ note }) {
    const { root, state, method } = this, still = ["random", "cover"].includes(state.method);
    const button = (name) => root.querySelector(`[data-do="${name}"]`), play = button("play");
    play.textContent = this.playing ? "❚❚ Pause" : method.done ? "▶ Again" : "▶ Play";
    play.hidden = button("step").hidden = button("reset").hidden = root.querySelector(".speed").hidden = still;
    button("draw").hidden = state.method === "cover";
    const { training } = this;
    root.querySelector(".note").textContent = note + (training ? ` · network: ${training.network.steps} steps, loss ${training.network.loss.toFixed(3)}` : "");
  },

  /** What happens to the test point under the pointer. */
  showCard({ hover, state, classNames }) {
    const card = this.root.querySelector(".card");
    card.hidden = !hover;
    if (!hover) return;
    const told = (outputs) => outputs.map((v, c) => `${classNames[c]} ${signed(v)}`).join(" · "), { end } = hover;
    const moved = lengthOf(end.x - hover.x, end.y - hover.y, state.norm).toFixed(3);
    card.innerHTML = `<b>${hover.part === "test" ? "Test" : "Train"} point ${hover.i + 1}, ${this.named(hover.label)}</b><br>f(x): ${told(hover.outputs)}`
      + (end.wrong ? "<br>wrong without an attack" : `<br>moved by ${moved}: ${told(hover.after)}<br>${end.broken ? "it <b>flips</b>" : "it holds"}`)
      + (hover.safe === null ? "" : `<br>${hover.safe > 0 ? `proven safe within ${hover.safe.toFixed(3)}` : "nothing proven"}`);
    const x = this.plane.toX(hover.x), y = this.plane.toY(hover.y), right = x > this.plane.size / 2;
    Object.assign(card.style, { left: right ? "auto" : `${x + 18}px`, right: right ? `${this.plane.size - x + 18}px` : "auto", top: `${Math.min(y, this.plane.size - 130)}px` });
  },

  showBrush() {
    const box = this.root.querySelector(".brush"), own = this.state.data === "own";
    box.hidden = !own;
    const html = own ? `<span>Click adds a</span>${[0, 1, 2].map((c) => `<button type="button" data-brush="${c}" aria-pressed="${c === this.brush}">${this.named(c)}</button>`).join("")}
      <span>right-click or long press deletes</span><button type="button" data-do="clear">Clear the plane</button>` : "";
    put(box, html);
  },
};

Object.assign(App.prototype, FRAMES, EDITING, SHARING, SHOWING);

export default function (component) {
  const root = component.parentElement;
  root.app ??= new App(root);
  root.app.update(component);
  return () => root.app.stop();
}
