/* What stands beside the plane: numbers, the curve over eps, the bound, the formula, and the words for who cannot see. */

const MODEL_NAMES = {
  kernel: ({ depth }) => `kernel regression, FC-${depth} NTK`,
  network: ({ width }) => `network of width ${wide(width)}`,
  nearest: () => "nearest condensed point",
};
const METHOD_NAMES = { random: "random points", cover: "an optimal covering", "k-means": "k-means", kip: "KIP", "adv-kip": "adv-KIP" };

const PAD = 42; // pixels left of the curve, for its numbers

/** Put HTML into an element, if it is other than what is there. */
function put(element, html) {
  if (element.shown !== html) element.innerHTML = element.shown = html;
}

const attackName = ({ norm, eps }) => `PGD-${STEPS} (margin), ${NORMS[norm]}, ε ${eps.toFixed(3)}`;

function showNumbers(root, view) {
  const { result, state, limit, certified, pool } = view, box = root.querySelector(".numbers");
  const big = (name, count, small, kind) => `<div class="number ${kind}"><span>${name}</span>
    <strong>${result ? percent(count, result.n) : "–"}</strong><small>${result ? `${count} of ${result.n} · 95 %: ${between(count, result.n)}` : ""}</small><small>${small}</small></div>`;
  const beside = limit ? `∞ width: clean ${percent(limit.clean, limit.n)}, robust ${percent(limit.robust, limit.n)} (${limit.robust} of ${limit.n}, same attack)` : "";
  const proof = certified === null ? "" : `<b>Proven for any attack: ${percent(certified, result.n)}</b> (${certified} of ${result.n}) of these are right and farther than ε from where the answer can change.`;
  put(box, big("Clean accuracy", result?.clean, pool, "clean") + big("Robust accuracy", result?.robust, attackName(state), "robust")
    + (proof ? `<p class="beside">${proof}</p>` : "")
    + (beside ? `<p class="beside">${beside}</p>` : ""));
}

/** The curve over eps: what is known so far, the marker at eps, and the clean accuracy as its left end. */
function drawCurve(canvas, { curve, result, state, certifiedCurve, dirty }, ink) {
  const { width, height } = canvas.space, ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  const c = canvas.getContext("2d"), left = PAD, right = 8, top = 8, bottom = 20;
  const X = (eps) => left + (eps / TOP) * (width - left - right), Y = (share) => top + (1 - share) * (height - top - bottom);
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  c.font = "11px sans-serif";
  c.fillStyle = c.strokeStyle = ink;
  c.lineWidth = 1;
  for (const share of [0, 0.5, 1]) {
    c.globalAlpha = 0.15;
    c.beginPath();
    c.moveTo(left, Y(share));
    c.lineTo(width - right, Y(share));
    c.stroke();
    c.globalAlpha = 0.8;
    c.textAlign = "right";
    c.fillText(`${100 * share} %`, left - 5, Y(share) + 4);
  }
  c.textAlign = "center";
  for (const eps of [0, 0.1, 0.2, 0.3]) c.fillText(eps ? eps.toFixed(1) : "ε 0", X(eps), height - 5);
  const line = (points, dash, colour, alpha) => {
    c.globalAlpha = alpha;
    c.setLineDash(dash);
    c.strokeStyle = colour;
    c.lineWidth = 2;
    c.beginPath();
    points.forEach(([eps, share], i) => (i ? c.lineTo(X(eps), Y(share)) : c.moveTo(X(eps), Y(share))));
    c.stroke();
    c.setLineDash([]);
    c.globalAlpha = 1;
  };
  if (certifiedCurve) line(certifiedCurve.map((v, i) => [CURVE[i], v]), [3, 3], ink, 0.8);
  const known = CURVE.map((eps, i) => [eps, curve[i]]).filter(([, share]) => share !== undefined);
  if (known.length > 1) line(known, [], "#D55E00", dirty ? 0.55 : 1);
  if (!result) return;
  c.strokeStyle = ink;
  c.globalAlpha = 0.35;
  c.beginPath();
  c.moveTo(X(state.eps), Y(0));
  c.lineTo(X(state.eps), Y(1));
  c.stroke();
  c.globalAlpha = 1;
  c.fillStyle = "#D55E00";
  c.beginPath();
  c.arc(X(state.eps), Y(result.robust / result.n), 6, 0, 2 * Math.PI);
  c.fill();
  c.lineWidth = 2;
  c.stroke();
}

/** eps under a place of the curve. */
function epsAt(canvas, x) {
  const share = (x - PAD) / (canvas.space.width - PAD - 8);
  return Math.round(clip(share) * TOP * 500) / 500;
}

function showBound(root, { radius, separation, state, ready }) {
  const half = separation / 2, most = 1.06 * Math.max(radius + state.eps, half, 1e-9), box = root.querySelector(".bound");
  const part = (kind, length, text) => `<i class="${kind}" style="width:${(100 * length) / most}%">${length / most > 0.3 || text.length < 2 && length / most > 0.05 ? text : ""}</i>${length / most > 0.3 || text.length < 2 ? "" : `<i class="aside">${text}</i>`}`;
  put(box.querySelector(".bars"), ready ? `<div>${part("eta", radius, "η")}${part("budget", state.eps, "ε")}</div><div>${part("half", Math.min(half, most), "½ separation")}</div>` : "");
  put(box.querySelector("p"), ready ? `${verdict(radius, state.eps, separation)} (${NORMS[state.norm]})` : "");
}

/** The two formulas; pointing at one shows the numbers it is made of. */
function showFormula(root, { radius, separation, state, result, ready, hover, classNames }) {
  const box = root.querySelector(".formula");
  if (!ready || !result) return put(box, "");
  const term = (symbol, number, what) => `<span class="term" tabindex="0" aria-label="${what}: ${number}"><span>${symbol}</span><b>${number}</b><em>${what}</em></span>`;
  const outputs = hover ? hover.outputs.map((v, c) => `${classNames[c]} ${signed(v)}`).join(", ") : "point at a test point";
  const html = `${term("η", radius.toFixed(3), "covering radius: farthest train point from its condensed point")} +
    ${term("ε", state.eps.toFixed(3), "attack budget")} ${radius + state.eps < separation / 2 ? "&lt;" : "≥"}
    ${term("½ min‖x − x′‖", (separation / 2).toFixed(3), "half the smallest distance between train points of two classes")}
    <br>robust = ${term("#{x : f(x + δ) = y}", result.robust, "test points still right where the attack takes them")} /
    ${term("n", result.n, "points judged")}${state.model === "kernel" ? `, ${term("f(x) = K(x,S)(K<sub>SS</sub>+λI)⁻¹y", outputs, "kernel regression on the condensed points S, λ = 1e-6 of the mean diagonal")}` : ""}`;
  if (!box.matches(":focus-within")) put(box, html);
}

/** What the picture shows, as a sentence. */
function describe({ state, result, support, train, note, radius, separation, ready, pool }) {
  if (!result) return "The plane needs points of two classes: add some.";
  const given = state.data === "own" ? "points of your own" : `the ${state.data}`;
  return `${train.labels.length} train points, ${given}, condensed to ${support.labels.length} by ${METHOD_NAMES[state.method]} (${note}). `
    + `Classifier: ${MODEL_NAMES[state.model](state)}${state.model === "nearest" ? "" : `, ${state.training} training`}. `
    + `Clean accuracy ${percent(result.clean, result.n)}, robust accuracy ${percent(result.robust, result.n)} on ${pool}, under ${attackName(state)}. `
    + (ready ? verdict(radius, state.eps, separation) : "");
}
