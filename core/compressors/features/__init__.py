"""Data sets read from the features of a trained network (Ilyas et al. 2019, arXiv:1905.02175)."""
