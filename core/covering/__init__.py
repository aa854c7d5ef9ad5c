"""Covering a labelled point set by balls around some of its points: distances, covers, bounds, certificates."""
