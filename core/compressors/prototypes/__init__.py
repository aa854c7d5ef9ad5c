"""Images that stand for a neighbourhood: the nearest of them gives the class."""
