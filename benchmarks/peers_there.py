"""One task by a peer, in the peer's own environment: arrays of a file in, arrays and CPU seconds of another out.

    python benchmarks/peers_there.py TASK in.npz out.npz

Called by `peers.py`. Nothing of this project is imported here, and of the peers only what the task is about.
"""

import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any
from unittest.mock import MagicMock

import numpy as np

Arrays = dict[str, Any]
UNUSED = ("tensorflow", "tf2jax", "jax.experimental.jax2tf")  # half a gigabyte for what neural-tangents can do besides


def timed(work: Callable[[], Any], times: int = 1) -> tuple[float, Any]:
    """The least CPU seconds of some calls, and what the last one returned."""
    found, least = None, float("inf")
    for _ in range(times):
        began = time.process_time()
        found = work()
        least = min(least, time.process_time() - began)
    return least, found


def network() -> Any:
    """The small network for digits that is attacked, with fresh weights."""
    nn = import_module("torch").nn
    return nn.Sequential(nn.Conv2d(1, 16, 3, 1, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(),
                         nn.Linear(512, 10))  # fmt: skip


def attacked(a: Arrays, attack: Callable[[Any, Any, Any], Any]) -> Arrays:
    """What an attack on the network of `peers.py` returns; the first call, on two images, is not timed."""
    torch, model = import_module("torch"), network().eval()
    model.load_state_dict({name[2:]: torch.from_numpy(value) for name, value in a.items() if name.startswith("w.")})
    x, y = torch.from_numpy(a["x"]), torch.from_numpy(a["y"])
    torch.manual_seed(0)
    attack(model, x[:2], y[:2])
    seconds, found = timed(lambda: attack(model, x, y))
    return {"seconds": seconds, "found": found.detach().numpy()}


def torchattacks_pgd(a: Arrays) -> Arrays:
    eps, steps = float(a["eps"]), int(a["steps"])
    Attack = import_module("torchattacks").PGD
    return attacked(a, lambda m, x, y: Attack(m, eps=eps, alpha=2.5 * eps / steps, steps=steps)(x, y))


def foolbox_pgd(a: Arrays) -> Arrays:
    fb = import_module("foolbox")
    attack = fb.attacks.LinfPGD(rel_stepsize=2.5 / int(a["steps"]), steps=int(a["steps"]))

    def clipped(m: Any, x: Any, y: Any) -> Any:
        return attack(fb.PyTorchModel(m, bounds=(0, 1), device="cpu"), x, y, epsilons=float(a["eps"]))[1]

    return attacked(a, clipped)


def adv_lib_pgd(a: Arrays) -> Arrays:
    pgd = import_module("adv_lib.attacks").pgd_linf
    eps, steps = float(a["eps"]), int(a["steps"])
    return attacked(a, lambda m, x, y: pgd(m, x, y, eps, steps=steps, absolute_step_size=2.5 * eps / steps))


def torchattacks_auto(a: Arrays) -> Arrays:
    Attack = import_module("torchattacks").AutoAttack
    return attacked(a, lambda m, x, y: Attack(m, norm="Linf", eps=float(a["eps"]), n_classes=10, seed=0)(x, y))


def neural_tangents(a: Arrays) -> Arrays:
    """Kernel, and gradient of its product with `weight` in x; compiled before it is timed."""
    sys.modules.update({name: MagicMock() for name in UNUSED})
    jax, stax = import_module("jax"), import_module("neural_tangents.stax")
    dense = stax.Dense(1, W_std=2**0.5, b_std=0.0)
    *_, kernel = stax.serial(*[dense, stax.Relu()] * int(a["depth"]), dense)
    x, z, weight = (jax.numpy.asarray(a[name]) for name in ("x", "z", "weight"))

    def loss(x: Any) -> Any:
        k = kernel(x, z, "ntk")
        return (k * weight).sum(), k

    both = jax.jit(jax.value_and_grad(loss, has_aux=True))
    jax.block_until_ready(both(x))
    seconds, ((_, k), gradient) = timed(lambda: jax.block_until_ready(both(x)), 3)
    return {"seconds": seconds, "k": np.asarray(k), "gradient": np.asarray(gradient)}


def cp_sat(a: Arrays) -> Arrays:
    cp = import_module("ortools.sat.python.cp_model")

    def solve() -> tuple[float, float]:
        model = cp.CpModel()
        chosen = [model.new_bool_var(str(i)) for i in range(len(a["near"]))]
        for row in a["near"]:
            model.add_bool_or([chosen[i] for i in np.flatnonzero(row)])
        model.minimize(sum(chosen))
        solver = cp.CpSolver()
        solver.parameters.num_workers, solver.parameters.max_time_in_seconds = 1, float(a["limit"])
        solver.solve(model)
        return solver.objective_value, solver.best_objective_bound

    seconds, (k, low) = timed(solve)
    return {"seconds": seconds, "k": k, "low": np.ceil(low - 1e-6)}


def highs(a: Arrays) -> Arrays:
    optimize, n = import_module("scipy.optimize"), len(a["near"])
    covered = optimize.LinearConstraint(a["near"].astype(float), 1, np.inf)

    def solve() -> Any:
        return optimize.milp(np.ones(n), integrality=np.ones(n), bounds=optimize.Bounds(0, 1), constraints=covered,
                             options={"time_limit": float(a["limit"])})  # fmt: skip

    seconds, found = timed(solve)
    return {"seconds": seconds, "k": found.fun or np.nan, "low": np.ceil((found.mip_dual_bound or 0) - 1e-6)}


def k_means(a: Arrays) -> Arrays:
    KMeans = import_module("sklearn.cluster").KMeans

    def solve() -> float:
        parts = [a["x"][a["y"] == label] for label in np.unique(a["y"])]
        return sum(KMeans(int(a["k"]), n_init=3, random_state=0).fit(part).inertia_ for part in parts)

    seconds, inertia = timed(solve)
    return {"seconds": seconds, "inertia": inertia}


def k_center(a: Arrays) -> Arrays:
    """The loop of core-set code: distances to the newest centre, the smallest so far, the farthest next."""
    pairwise, x = import_module("sklearn.metrics").pairwise_distances, a["x"]

    def solve() -> float:
        away = pairwise(x, x[[int(a["first"])]])[:, 0]
        for _ in range(int(a["k"]) - 1):
            away = np.minimum(away, pairwise(x, x[[int(away.argmax())]])[:, 0])
        return float(away.max())

    seconds, radius = timed(solve, 3)
    return {"seconds": seconds, "radius": radius}


def double_loop(a: Arrays) -> Arrays:
    """Norms of differences one by one, for the first `part` rows."""
    torch = import_module("torch")
    x, part = torch.from_numpy(a["x"]), int(a["part"])
    seconds, rows = timed(lambda: [[torch.norm(one - two).item() for two in x] for one in x[:part]])
    return {"seconds": seconds * len(x) / part, "distances": np.array(rows)}


if __name__ == "__main__":
    task, came, goes = sys.argv[1:]
    with np.load(came) as file:
        np.savez(goes, **globals()[task]({name: file[name] for name in file.files}))
