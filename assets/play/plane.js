/* Drawing the plane: surface, balls, points, attacks. The unit square is drawn with one scale for both axes. */

const EDGE = 0.035; // of the unit square, around it
const CLASS_COLOURS = [[0, 114, 178], [230, 159, 0], [0, 158, 115]]; // Okabe & Ito, as on every page
const css = ([r, g, b], alpha = 1) => `rgba(${r},${g},${b},${alpha})`;

class Plane {
  constructor(canvas) {
    Object.assign(this, { canvas, context: canvas.getContext("2d"), paint: document.createElement("canvas"), lines: [], limit: [] });
  }

  /** Follow the size of the element; one unit is `scale` pixels of the screen. */
  fit() {
    const ratio = window.devicePixelRatio || 1, pixels = Math.round(this.size * ratio);
    if (this.canvas.width !== pixels) this.canvas.width = this.canvas.height = pixels;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /** Size and colours of the element, asked for when they may have changed and not in every frame. */
  measure() {
    const style = getComputedStyle(this.canvas);
    this.size = this.canvas.clientWidth;
    this.scale = this.size / (1 + 2 * EDGE);
    this.ink = style.color;
    this.ground = style.getPropertyValue("--ground").trim() || "#fff";
    this.dark = Number(this.ink.match(/\d+/)?.[0] ?? 0) > 128;
  }

  toX = (x) => (x + EDGE) * this.scale;
  toY = (y) => (1 + EDGE - y) * this.scale;
  fromX = (x) => x / this.scale - EDGE;
  fromY = (y) => 1 + EDGE - y / this.scale;

  surface(model, side, full) {
    const found = leads(model, side);
    paintSurface(this.paint, found, CLASS_COLOURS, full, this.dark ? 0.5 : 0.4);
    this.side = side;
    this.lines = (model.classes === 2 ? found.field.slice(0, 1) : found.field).flatMap((values) => zeroLines(values, side));
  }

  limitOf(model, side) {
    const found = model ? leads(model, side) : { field: [] };
    this.limit = (found.field.length === 2 ? found.field.slice(0, 1) : found.field).flatMap((values) => zeroLines(values, side));
  }

  draw(view) {
    const { context: c } = this;
    this.fit();
    c.clearRect(0, 0, this.size, this.size);
    c.save();
    c.beginPath();
    c.rect(this.toX(0), this.toY(1), this.scale, this.scale);
    c.clip();
    if (view.model) {
      const half = 0.5 / this.side, wide = (1 + 2 * half) * this.scale;
      c.imageSmoothingEnabled = true;
      c.imageSmoothingQuality = "high";
      c.drawImage(this.paint, this.toX(-half), this.toY(1 + half), wide, wide);
      this.stroke(this.lines, 1.6, []);
      this.stroke(this.limit, 1.4, [5, 4]);
    }
    if (view.balls) this.balls(view);
    c.restore();
    c.strokeStyle = this.ink;
    c.globalAlpha = 0.25;
    c.strokeRect(this.toX(0), this.toY(1), this.scale, this.scale);
    c.globalAlpha = 1;
    this.train(view.train, view.own);
    if (view.result && view.attacked) this.attacks(view);
    if (view.hover) this.threat(view);
    this.support(view.support);
    if (view.selected !== null) this.ring(view.train.xy[2 * view.selected], view.train.xy[2 * view.selected + 1], 11);
  }

  stroke(lines, width, dash) {
    const { context: c } = this;
    c.beginPath();
    for (let i = 0; i < lines.length; i += 4) {
      c.moveTo(this.toX(lines[i]), this.toY(lines[i + 1]));
      c.lineTo(this.toX(lines[i + 2]), this.toY(lines[i + 3]));
    }
    c.setLineDash(dash);
    c.lineWidth = width;
    c.strokeStyle = this.ink;
    c.stroke();
    c.setLineDash([]);
  }

  /** The ball of a norm around a point: square, disc or diamond, to scale. */
  shape(x, y, radius, norm) {
    const { context: c } = this, r = radius * this.scale, px = this.toX(x), py = this.toY(y);
    c.beginPath();
    if (norm === "L2") c.arc(px, py, r, 0, 2 * Math.PI);
    else if (norm === "Linf") c.rect(px - r, py - r, 2 * r, 2 * r);
    else {
      c.moveTo(px, py - r);
      c.lineTo(px + r, py);
      c.lineTo(px, py + r);
      c.lineTo(px - r, py);
      c.closePath();
    }
  }

  balls({ support, radii, norm, fresh }) {
    const { context: c } = this, most = Math.max(...radii);
    support.labels.forEach((label, i) => {
      const colour = fresh ? CLASS_COLOURS[label] : [138, 143, 152];
      this.shape(support.xy[2 * i], support.xy[2 * i + 1], radii[i], norm);
      c.fillStyle = css(colour, 0.1);
      c.fill();
      c.lineWidth = radii[i] === most ? 2.5 : 1;
      c.strokeStyle = css(colour, 0.85);
      c.stroke();
    });
  }

  /** A mark by class: circle, square, triangle. */
  mark(x, y, r, label) {
    const { context: c } = this;
    c.beginPath();
    if (label === 0) c.arc(x, y, r, 0, 2 * Math.PI);
    else if (label === 1) c.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r);
    else {
      c.moveTo(x, y - 1.2 * r);
      c.lineTo(x + 1.1 * r, y + 0.8 * r);
      c.lineTo(x - 1.1 * r, y + 0.8 * r);
      c.closePath();
    }
  }

  train({ xy, labels }, own) {
    const { context: c } = this;
    labels.forEach((label, i) => {
      this.mark(this.toX(xy[2 * i]), this.toY(xy[2 * i + 1]), own ? 5 : 3.2, label);
      c.fillStyle = css(CLASS_COLOURS[label], 0.9);
      c.fill();
      c.lineWidth = 0.8;
      c.strokeStyle = this.ground;
      c.stroke();
    });
  }

  support({ xy, labels }) {
    const { context: c } = this;
    labels.forEach((label, i) => {
      this.mark(this.toX(xy[2 * i]), this.toY(xy[2 * i + 1]), 7.5, label);
      c.lineWidth = 5;
      c.strokeStyle = this.ground;
      c.stroke();
      c.fillStyle = css(CLASS_COLOURS[label]);
      c.fill();
      c.lineWidth = 2;
      c.strokeStyle = this.ink;
      c.stroke();
    });
  }

  /** Test points where the attack takes them: a dot holds, a cross flips, a hollow dash was wrong before. */
  attacks({ test, result }) {
    const { context: c } = this;
    c.lineCap = "round";
    test.labels.forEach((label, i) => {
      const x = this.toX(result.ends[2 * i]), y = this.toY(result.ends[2 * i + 1]);
      if (!result.broken[i] || result.wrong[i]) return this.dot(x, y, label, result.wrong[i]);
      c.beginPath();
      c.moveTo(this.toX(test.xy[2 * i]), this.toY(test.xy[2 * i + 1]));
      c.lineTo(x, y);
      c.lineWidth = 1.2;
      c.strokeStyle = this.ink;
      c.globalAlpha = 0.55;
      c.stroke();
      c.globalAlpha = 1;
      this.cross(x, y, 4.5, label);
    });
  }

  dot(x, y, label, wrong) {
    const { context: c } = this;
    this.mark(x, y, wrong ? 3.4 : 2, label);
    c.lineWidth = wrong ? 1.4 : 1;
    c.strokeStyle = wrong ? this.ink : css(CLASS_COLOURS[label], 0.9);
    c.stroke();
    if (!wrong) return;
    c.beginPath();
    c.moveTo(x - 5, y + 5);
    c.lineTo(x + 5, y - 5);
    c.stroke();
  }

  cross(x, y, r, label) {
    const { context: c } = this;
    for (const [width, colour] of [[5, this.ground], [3.4, this.ink], [1.6, css(CLASS_COLOURS[label])]]) {
      c.beginPath();
      c.moveTo(x - r, y - r);
      c.lineTo(x + r, y + r);
      c.moveTo(x - r, y + r);
      c.lineTo(x + r, y - r);
      c.lineWidth = width;
      c.strokeStyle = colour;
      c.stroke();
    }
  }

  ring(x, y, r) {
    const { context: c } = this;
    c.beginPath();
    c.arc(this.toX(x), this.toY(y), r, 0, 2 * Math.PI);
    c.lineWidth = 2.5;
    c.strokeStyle = this.ink;
    c.stroke();
  }

  /** What the attack may reach from the point under the pointer, and the way it took. */
  threat({ hover, eps, norm }) {
    const { context: c } = this, colour = CLASS_COLOURS[hover.label];
    this.shape(hover.x, hover.y, eps, norm);
    c.fillStyle = css(colour, 0.22);
    c.fill();
    c.lineWidth = 2;
    c.strokeStyle = this.ink;
    c.stroke();
    if (hover.safe > 0) {
      this.shape(hover.x, hover.y, hover.safe, norm);
      c.setLineDash([4, 3]);
      c.stroke();
      c.setLineDash([]);
    }
    c.beginPath();
    hover.path.forEach(([x, y], i) => (i ? c.lineTo(this.toX(x), this.toY(y)) : c.moveTo(this.toX(x), this.toY(y))));
    c.lineWidth = 2.2;
    c.stroke();
    this.ring(hover.x, hover.y, 6);
    if (hover.end.broken && !hover.end.wrong) this.cross(this.toX(hover.end.x), this.toY(hover.end.y), 5, hover.label);
  }
}
