/* The controls as data, and the form that is made from them. */

const CONTROLS = [
  { name: "data", title: "Data", options: { moons: "Moons", circles: "Circles", blobs: "Blobs", spirals: "Spirals", own: "Draw" },
    help: "200 train and 200 test points; with Draw, the points you make" },
  { name: "method", title: "Condensed by", options: { random: "Random", cover: "Covering", "k-means": "k-means", kip: "KIP", "adv-kip": "adv-KIP" },
    help: "How the few points are found. Covering is optimal; KIP and adv-KIP learn them by gradient steps" },
  { name: "k", title: "Points per class", range: [1, 20], help: "How many points stand for each class" },
  { name: "model", title: "Classifier", options: { kernel: "Kernel", network: "Network", nearest: "Nearest" },
    help: "What is fitted on the few points: regression with the kernel of an infinitely wide network, a network of finite width, or the nearest point" },
  { name: "depth", title: "Kernel depth", range: [1, 5], help: "Hidden layers of the infinitely wide network",
    off: ({ model, method }) => model !== "kernel" && !method.endsWith("kip") },
  { name: "width", title: "Network width", stops: CHOICES.width, help: "Hidden units; ∞ is the kernel of depth 1, drawn dashed beside it",
    off: ({ model }) => model !== "network" },
  { name: "training", title: "Training", options: { standard: "Standard", adversarial: "Adversarial" },
    help: "Adversarial: fitted on what the attack at ε makes of the few points as well", off: ({ model }) => model === "nearest" },
  { name: "norm", title: "Norm", options: { Linf: "L∞", L2: "L2", L1: "L1" }, help: "Shape of what the attack may reach, and of the balls" },
];
const LEGEND = [
  { name: "attacked", title: "attacked test points", help: "Drawn where the attack takes them" },
  { name: "balls", title: "covering balls", help: "Each holds the train points nearest to its condensed point" },
];
const wide = (width) => (width === Infinity ? "∞" : width.toLocaleString("en"));

/** Make the form; `change(name, value)` is called when the reader moves something. */
function makeControls(root, change) {
  const form = root.querySelector(".controls");
  form.innerHTML = CONTROLS.map(controlHtml).join("");
  root.querySelector(".legend").innerHTML = LEGEND.map(
    ({ name, title, help }) => `<label title="${help}"><input type="checkbox" name="${name}"><i class="mark ${name}"></i>${title}</label>`,
  ).join("") + `<span><i class="mark kept"></i>holds</span><span><i class="mark flip"></i>flips</span><span><i class="mark wrong"></i>wrong unattacked</span>`;
  form.addEventListener("submit", (event) => event.preventDefault());
  root.querySelector(".play").addEventListener("input", ({ target }) => {
    const control = CONTROLS.find((c) => c.name === target.name), value = target.value;
    if (!target.name) return;
    if (target.type === "checkbox") change(target.name, target.checked ? "yes" : "no");
    else if (control?.stops) change(target.name, control.stops[value]);
    else change(target.name, target.type === "range" ? Number(value) : value);
  });
}

function controlHtml({ name, title, options, range, stops, help }) {
  if (options) {
    const choices = Object.entries(options).map(
      ([value, word]) => `<label><input type="radio" name="${name}" value="${value}"><span>${word}</span></label>`);
    return `<fieldset class="choice" data-name="${name}" title="${help}"><legend>${title}</legend><div>${choices.join("")}</div></fieldset>`;
  }
  const [low, high] = range ?? [0, stops.length - 1];
  return `<label class="range" data-name="${name}" title="${help}"><span>${title}</span><output></output>
    <input type="range" name="${name}" min="${low}" max="${high}" step="1"></label>`;
}

/** Show the settings in the controls; a control without an effect is put out of reach and says so by its look. */
function showControls(root, state) {
  for (const { name, options, stops, off } of CONTROLS) {
    const box = root.querySelector(`[data-name="${name}"]`), useless = Boolean(off?.(state));
    box.classList.toggle("off", useless);
    box.disabled = useless;
    box.querySelectorAll("input").forEach((input) => {
      input.disabled = useless;
      if (options) input.checked = input.value === state[name];
      else input.value = stops ? stops.indexOf(state[name]) : state[name];
    });
    if (!options) {
      box.querySelector("output").textContent = stops ? wide(state[name]) : state[name];
      box.querySelector("input").setAttribute("aria-valuetext", stops ? wide(state[name]) : String(state[name]));
    }
  }
  root.querySelector("[name=eps]").value = state.eps;
  root.querySelector("[name=speed]").value = state.speed;
  root.querySelector("[name=attacked]").checked = state.attacked === "yes";
  root.querySelector("[name=balls]").checked = ballsShown(state);
  root.querySelector(".eps output").textContent = `${state.eps.toFixed(3)} ${NORMS[state.norm]}`;
}

/** Whether balls are drawn: those of learned points say little, so they wait to be asked for. */
const ballsShown = ({ balls, method }) => (balls === "auto" ? !method.endsWith("kip") : balls === "yes");
