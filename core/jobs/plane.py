"""The classifier of a run on points of the plane: the class of every place, and where PGD takes test points.

A picture of the network that is judged, not a measurement: few points, one random start. Cost: well below a second.
"""

import numpy as np
import torch

from core.attacks import pgd
from core.engine import artifacts
from core.engine.job import Job
from core.evaluation.options import EvaluationConfig
from core.evaluation.sample import choose
from core.jobs.files import PLANE
from core.networks.model import restore
from core.types import Dataset, TrainedModel, stream

SIDE, POINTS, STEPS = 121, 60, 40  # places along each axis; test points attacked; gradient steps at most


def in_plane(dataset: Dataset) -> bool:
    """Whether an image is a point of two numbers."""
    return int(np.prod(dataset.train.shape)) == 2


def draw(model: TrainedModel, dataset: Dataset, config: EvaluationConfig, seed: int, job: Job) -> None:
    """Store the picture as plane.npz.

    cells   (SIDE, SIDE) int16 class at y (rows) and x (columns), both from 0 to 1
    clean, attacked  (n, 2) test points before and after PGD
    y, before, after  (n,) their true class, and the network's answers to both
    norm, eps, steps of that PGD
    """
    network = restore(model, device=job.device)
    axis = np.linspace(0, 1, SIDE, dtype=np.float32)
    places = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, *dataset.train.shape)
    rows = choose(dataset.test, POINTS, seed)
    x = torch.from_numpy(np.array(dataset.test.pixels(rows))).to(job.device)
    y = torch.from_numpy(dataset.test.y[rows]).to(job.device)
    steps = min(config.attack_steps, STEPS)
    generator = torch.Generator().manual_seed(stream(seed, "plane"))
    attacked = pgd(network, x, y, norm=config.norm, eps=config.eps, steps=steps, generator=generator)
    with torch.no_grad():
        cells, before, after = (
            network(images).argmax(1).cpu().numpy() for images in (torch.from_numpy(places).to(job.device), x, attacked)
        )
    arrays = {
        "cells": cells.reshape(SIDE, SIDE).astype(np.int16), "clean": x.cpu().numpy().reshape(-1, 2),
        "attacked": attacked.cpu().numpy().reshape(-1, 2), "y": dataset.test.y[rows], "before": before, "after": after,
        "norm": np.array(config.norm), "eps": np.array(config.eps), "steps": np.array(steps),
    }  # fmt: skip
    artifacts.save_arrays(job.folder / PLANE, arrays)
