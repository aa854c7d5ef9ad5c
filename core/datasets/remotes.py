"""What torchvision has to offer: which class fetches a data set, how its splits are asked for, how much comes."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Remote:
    """What is known of a download beforehand.

    megabytes  of all files together, for the progress bar
    """

    family: str
    megabytes: float
    splits: Mapping[str, Mapping[str, object]]


BY_TRAIN = {"train": {"train": True}, "test": {"train": False}}
BY_SPLIT = {"train": {"split": "train"}, "test": {"split": "test"}}
REMOTES = {
    "mnist": Remote(family="MNIST", megabytes=11.6, splits=BY_TRAIN),
    "fashion-mnist": Remote(family="FashionMNIST", megabytes=30.9, splits=BY_TRAIN),
    "kmnist": Remote(family="KMNIST", megabytes=21.3, splits=BY_TRAIN),
    "svhn": Remote(family="SVHN", megabytes=246.4, splits=BY_SPLIT),
    "cifar10": Remote(family="CIFAR10", megabytes=170.5, splits=BY_TRAIN),
    "cifar100": Remote(family="CIFAR100", megabytes=169.0, splits=BY_TRAIN),
}
