"""The suggested threat models belong to data sets that exist."""

from core import api
from core.ui.threat import USUAL, usual


def test_every_suggestion_names_a_data_set():
    assert set(USUAL) <= set(api.DATASETS)


def test_colour_images_are_attacked_in_steps_of_a_grey_level():
    assert usual("cifar10", "Linf").eps == 8 / 255
    assert usual("fashion-mnist", "Linf").eps == 0.1
    assert usual("somebody.npz", "Linf", channels=3).rgb
