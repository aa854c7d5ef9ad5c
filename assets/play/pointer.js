/* Hand and keyboard on the plane: hover, drag, add, delete; arrows move the chosen point. */

const NEAR = 14, LONG_PRESS = 550; // pixels, milliseconds

class Pointer {
  constructor(app, canvas) {
    Object.assign(this, { app, canvas, held: null, press: 0 });
    const on = (type, listen, options) => canvas.addEventListener(type, listen, options);
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", () => this.up());
    on("pointercancel", () => this.up());
    on("pointerleave", (event) => this.held === null && event.pointerType !== "touch" && app.point(null));
    on("contextmenu", (event) => this.remove(event));
    on("touchstart", (event) => this.wants(event) && event.preventDefault(), { passive: false });
    on("keydown", (event) => this.key(event));
    on("blur", () => app.choose(null));
  }

  place({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect(), { plane } = this.app;
    return [plane.fromX(clientX - box.left), plane.fromY(clientY - box.top)];
  }

  /** The nearest of some points within reach of the pointer, or null. */
  nearest([x, y], xy, reach = NEAR) {
    let best = null, least = reach / this.app.plane.scale;
    for (let i = 0; i < xy.length / 2; i++) {
      const away = Math.hypot(x - xy[2 * i], y - xy[2 * i + 1]);
      if (away < least) [best, least] = [i, away];
    }
    return best;
  }

  /** Whether a touch is for the plane rather than for scrolling. */
  wants({ touches }) {
    return touches.length === 1 && (this.app.state.data === "own" || this.nearest(this.place(touches[0]), this.app.train.xy) !== null);
  }

  down(event) {
    if (event.button) return;
    const { app } = this, at = this.place(event);
    let i = this.nearest(at, app.train.xy);
    const found = i !== null;
    if (i === null && app.state.data === "own" && at.every((v) => v >= 0 && v <= 1)) i = app.add(at);
    if (i === null) return app.point(at);
    this.canvas.setPointerCapture(event.pointerId);
    this.held = i;
    this.from = at;
    app.point(null);
    if (event.pointerType === "touch" && found) this.press = setTimeout(() => this.drop(), LONG_PRESS);
  }

  move(event) {
    const at = this.place(event);
    if (this.held === null) return this.app.point(at);
    if (Math.hypot(at[0] - this.from[0], at[1] - this.from[1]) * this.app.plane.scale < 3) return;
    this.from = [Infinity, Infinity];
    clearTimeout(this.press);
    this.app.moveTo(this.held, at);
  }

  up() {
    clearTimeout(this.press);
    if (this.held !== null) this.app.settle();
    this.held = null;
  }

  drop() {
    this.app.remove(this.held);
    this.held = null;
  }

  remove(event) {
    event.preventDefault();
    clearTimeout(this.press);
    const i = this.nearest(this.place(event), this.app.train.xy);
    if (i !== null) this.app.remove(i);
  }

  key(event) {
    const { app } = this, n = app.train.labels.length, step = event.shiftKey ? 0.05 : 0.01, i = app.selected;
    const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (ways[event.key]) {
      const chosen = i ?? 0, [a, b] = ways[event.key];
      if (i === null) app.choose(n ? 0 : null);
      else app.moveTo(chosen, [app.train.xy[2 * chosen] + a, app.train.xy[2 * chosen + 1] + b], true);
    } else if (event.key === "n" || event.key === "PageDown") app.choose(n ? ((i ?? -1) + 1) % n : null);
    else if (event.key === "p" || event.key === "PageUp") app.choose(n ? ((i ?? n) + n - 1) % n : null);
    else if (event.key === "Delete" || event.key === "Backspace") i !== null && app.remove(i);
    else if (event.key === "Insert" || event.key === "a") app.state.data === "own" && app.choose(app.add([0.5, 0.5]));
    else if (event.key === "Escape") app.choose(null);
    else return;
    event.preventDefault();
  }
}
