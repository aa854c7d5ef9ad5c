/* From condensed points to a classifier: kernel, network or nearest point, with standard or adversarial training.
 *
 * A kernel regressor has no steps to attack in, so adversarial training fits it again on the points together with what
 * the attack makes of them, ROUNDS times; a network attacks its points anew before every step (Madry et al. 2018). */

const ROUNDS = 3, INNER_STEPS = 5, NETWORK_STEPS = 1500;

/** Kernel regression on condensed points. */
function fitKernel(support, classes, depth, mean, training, budget) {
  let model = new KernelRegressor(support.xy, support.labels, classes, depth, mean);
  if (training !== "adversarial" || !budget.eps) return model;
  let xy = support.xy, labels = support.labels;
  for (let round = 0; round < ROUNDS; round++) {
    const moved = attackSquared(model, support.xy, support.labels, { ...budget, steps: INNER_STEPS });
    xy = Float64Array.from([...xy, ...moved]);
    labels = Uint8Array.from([...labels, ...support.labels]);
    model = new KernelRegressor(xy, labels, classes, depth, mean);
  }
  return model;
}

/** A network in training beside the points it learns from. */
class Training {
  constructor(width, classes, mean, seed, support) {
    this.fresh = () => new Network(width, classes, mean, seed + 1);
    this.network = this.fresh();
    this.caution = 1; // halved whenever the steps were too large
    this.again(support, mean);
  }

  /** The points moved: go on from where the weights are. */
  again(support, mean) {
    this.rate = learningRate(support.xy, mean);
    this.left = NETWORK_STEPS;
    this.rested = false; // whether the picture of the end was drawn
  }

  /** Train until the clock says so. Returns whether a step was made. */
  advance(support, training, budget, deadline) {
    const begun = this.left, attacked = training === "adversarial" && budget.eps;
    while (this.left > 0 && (this.left === begun || now() < deadline)) {
      const { network } = this, inner = { ...budget, steps: INNER_STEPS };
      const xy = attacked ? attackSquared(network, support.xy, support.labels, inner) : support.xy;
      network.train(xy, support.labels, this.rate * this.caution);
      this.left--;
      if (!(network.loss < 3)) [this.network, this.caution] = [this.fresh(), this.caution / 2]; // it diverged
    }
    return this.left < begun;
  }
}
