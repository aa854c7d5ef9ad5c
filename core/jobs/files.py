"""What jobs leave in a run's folder and in the cache, by name: written by workers, read by pages."""

from pathlib import Path

EMBEDDED = Path(__file__).resolve().parents[2] / "assets" / "embedded"  # what ships of the embedded digits
COVER = "cover.json"  # numbers of a cover that was checked from the pixels
OVERLAP, RIVALS = "overlap.npz", "rivals.json"
SKETCH = "sketch.npz"  # coordinates to draw a cover on while it is looked for
SO_FAR = "so-far.json"  # the result of a run whose accuracies are there, while the rest is computed
FRONTIER_COLUMNS = ("label", "k", "radius", "lower", "proven")
FRONTIER_PROOFS = 2  # of its file; files that do not say so may call a radius proven that is not the smallest
PLANE = "plane.npz"  # the classifier of a run on points of the plane
PLAYBACK = "playback.npz"
UPLOADS = "uploads"  # folder under data/ that holds our copies of what was uploaded
BROUGHT = "brought"  # folder under data/ that holds sets and networks which were made elsewhere
RADII = "radii.npz"  # proven radii of the nearest neighbour: rows of the test split, radius, norm
EXPLAINED = "explained.npz"  # a few test images with what decides the proven radius of the nearest neighbour
