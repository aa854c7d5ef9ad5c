/* Lessons: a state of Play, a question about what a change does to it, an answer that is locked before it is revealed.
 *
 * Nothing of the plane is stored: the state before is brought to rest and measured, then the state after, and the choice
 * that is true is the one whose range the measured number falls into. Lessons on finished runs read theirs (stored.js). */

/** What a lesson can measure of the plane: a share of the points judged, or a length. */
const MEASURES = {
  clean: ({ result }) => ({ share: result.clean / result.n, count: result.clean }),
  robust: ({ result }) => ({ share: result.robust / result.n, count: result.robust }),
  radius: ({ radius }) => ({ share: radius, count: radius.toFixed(3) }),
  one_step: ({ model, test, state }) => {
    const found = attackAll(model, test.xy, test.labels, { norm: state.norm, eps: state.eps, steps: 1 });
    return { share: found.robust / found.n, count: found.robust };
  },
};
/** What is measured before, where that is not the same. */
const BEFORE = { one_step: "robust" };
/** How two measured numbers are read as the one that the choices are about. */
const READINGS = {
  share: (before, after) => after.share,
  loss: (before, after) => before.share - after.share,
  gain: (before, after) => after.share - before.share,
  more: (before, after) => after.share - before.share,
  shrinks: (before, after) => 1 - after.share / before.share,
};
const BEGINS = ["data", "method", "k", "seed", "norm"]; // settings after which a method begins anew
const RESTING = { method: "random", model: "nearest" }; // what costs the plane least while it is out of sight
const WHOLE = "100000"; // steps of a method: all it has

/** The choice that is true of a number: the first whose bound it meets; the last has none. */
function trueChoice(choices, value) {
  return choices.findIndex(({ below, at_least: least }) => (below !== undefined ? value < below : least !== undefined ? value >= least : true));
}

class Course {
  constructor(root, app) {
    Object.assign(this, { root, app, number: 0, before: null, after: null });
    const query = new URLSearchParams(window.location.search), place = query.get("learn.choice");
    this.choice = place === null ? null : Number(place);
    this.locked = query.get("learn.locked") === "1" && this.choice !== null;
    app.keepLink = () => {};
    app.load = () => {};
    app.show = () => {
      Object.getPrototypeOf(app).show.call(app);
      this.look();
    };
    root.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button?.dataset.go) this.go(this.number + Number(button.dataset.go));
      if (button?.dataset.lesson) this.go(Number(button.dataset.lesson));
    });
    root.querySelector(".predict").addEventListener("change", ({ target }) => this.choose(Number(target.value)));
    root.querySelector(".predict").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.choice !== null) this.lock();
    });
    window.addEventListener("keydown", this.key = (event) => {
      if (!this.present || event.target.matches?.("input, textarea, select, canvas") || event.composedPath()[0].matches?.("input, canvas")) return;
      if (event.key === "ArrowRight") this.go(this.number + 1);
      if (event.key === "ArrowLeft") this.go(this.number - 1);
    });
  }

  update({ lessons, lesson, present }) {
    const first = !this.lessons;
    Object.assign(this, { lessons, present });
    this.root.host?.classList?.toggle("presenting", present);
    this.root.querySelector(".frame").classList.toggle("presenting", present);
    if (first) this.begin(lesson);
  }

  get lesson() {
    return this.lessons[this.number - 1];
  }

  /** Another lesson, unanswered. */
  go(number) {
    if (number < 1 || number > this.lessons.length) return;
    Object.assign(this, { choice: null, locked: false });
    this.begin(number);
    this.root.querySelector(".lesson").scrollIntoView({ block: "nearest" });
  }

  begin(number) {
    const { app } = this;
    this.number = Math.min(this.lessons.length, Math.max(1, number || 1));
    if (!(this.choice >= 0 && this.choice < this.lesson.choices.length)) Object.assign(this, { choice: null, locked: false });
    Object.assign(this, { before: null, after: null });
    app.state = { ...START, ...(this.lesson.stored ? RESTING : this.lesson.before), at: WHOLE };
    app.fresh = false;
    App.prototype.load.call(app, null);
    if (this.lesson.stored) this.read();
    this.draw();
    this.keepLink();
  }

  /** The numbers of finished runs; the plane is out of sight. */
  read() {
    const { bars } = this.lesson.stored;
    this.before = measuredOf(bars[0]);
    this.after = this.locked ? measuredOf(bars.at(-1)) : null;
  }

  choose(choice) {
    this.choice = choice;
    this.draw();
    this.keepLink();
  }

  lock() {
    this.locked = true;
    if (this.lesson.stored) this.read();
    this.draw();
    this.keepLink();
    this.app.wake();
  }

  /** After each frame: at rest, measure; once locked, go on to the state after. */
  look() {
    const { app, lesson } = this;
    if (lesson.stored || !app.result || app.playing || app.training?.left > 0 || app.pending()) return;
    if (!this.before) {
      this.before = this.measured(BEFORE[lesson.measure] ?? lesson.measure);
      if (this.locked) app.wake();
    } else if (this.locked && !this.changed) {
      this.changed = true;
      this.change(lesson.after);
      app.wake();
    } else if (this.locked && !this.after) {
      this.after = this.measured(lesson.measure);
      this.draw();
    }
    if (this.locked && !this.after) app.wake();
  }

  measured(name) {
    return { ...MEASURES[name](this.app), n: this.app.result.n };
  }

  change(after) {
    const { app } = this;
    Object.assign(app.state, after, { at: WHOLE });
    app.fresh = false;
    if (Object.keys(after).some((name) => BEGINS.includes(name))) App.prototype.load.call(app, null);
    else Object.entries(after).forEach(([name, value]) => app.change(name, value));
  }

  draw() {
    const { root, lesson, choice, locked, after } = this, find = (name) => root.querySelector(name);
    if (!locked || !this.before) this.changed = false;
    put(find(".steps"), this.lessons.map(({ title }, i) => `<button type="button" data-lesson="${i + 1}" title="${title}" aria-label="Lesson ${i + 1}: ${title}"${i + 1 === this.number ? ' aria-current="step"' : ""}>${i + 1}</button>`).join(""));
    find(".count").textContent = `Lesson ${this.number} of ${this.lessons.length}`;
    find(".lesson h1").textContent = lesson.title;
    find(".tells").textContent = lesson.lead;
    find(".predict legend").textContent = lesson.question;
    const truth = after ? trueChoice(lesson.choices, READINGS[lesson.read](this.before, after)) : null;
    put(find(".answers"), lesson.choices.map(({ says }, i) => `<label class="${i === choice ? "chosen" : ""}${i === truth ? " true" : ""}"><input type="radio" name="answer" value="${i}"${i === choice ? " checked" : ""}${locked ? " disabled" : ""}><span></span></label>`).join(""));
    find(".answers").querySelectorAll("span").forEach((span, i) => (span.textContent = lesson.choices[i].says));
    const button = find(".predict button");
    button.hidden = locked;
    button.disabled = choice === null;
    find(".revealed").textContent = !locked ? "" : !after ? "Measuring …"
      : (truth === choice ? "You saw it coming. " : "Otherwise than you thought. ")
        + lesson.meaning.replaceAll("{before}", this.before.count).replaceAll("{after}", after.count).replaceAll("{n}", after.n)
        + (lesson.stored ? " The runs are finished and named beside the bars." : ` Measured here: ${this.under()}.`);
    put(find(".further"), after ? (lesson.onward ?? []).map(({ says, to }) => `<a href="${to}" target="_self">${says}</a>`).join("") : "");
    find(".frame").classList.toggle("of-runs", Boolean(lesson.stored));
    find(".stored").hidden = !lesson.stored;
    if (lesson.stored) showStored(find(".stored"), lesson.stored, Boolean(after));
    find("[data-go='-1']").disabled = this.number === 1;
    find("[data-go='1']").disabled = this.number === this.lessons.length;
    const asking = !after;
    find(".frame").classList.toggle("asking", asking);
    for (const part of [find(".eps"), find(".plane"), find(".legend")]) part.inert = asking;
    this.app.look();
  }

  /** With what the numbers of the answer were taken. */
  under() {
    const { app, lesson } = this, { state } = app;
    if (lesson.measure === "radius") return `covering radius of ${app.train.labels.length} train points, ${NORMS[state.norm]}`;
    const n = `${app.result.n} test points`;
    if (lesson.measure === "clean") return `${n}, without an attack`;
    return lesson.measure === "one_step" ? `${n}, ${attackName(state)}, against one step of 2.5 ε from the point itself` : `${n}, ${attackName(state)}`;
  }

  keepLink() {
    const query = new URLSearchParams(window.location.search);
    const values = { lesson: String(this.number), choice: this.choice === null ? null : String(this.choice), locked: this.locked ? "1" : null };
    for (const [name, value] of Object.entries(values)) value === null ? query.delete(`learn.${name}`) : query.set(`learn.${name}`, value);
    window.history.replaceState(window.history.state, "", `${window.location.pathname}?${query}`);
  }
}

export default function (component) {
  const root = component.parentElement, { data } = component;
  if (!root.course) {
    root.app = new App(root);
    root.course = new Course(root, root.app);
  }
  root.app.update(component);
  root.course.update(data);
  return () => {
    root.app.stop();
    window.removeEventListener("keydown", root.course.key);
  };
}
