"""Doing jobs of any kind and knowing none: the store, locks, workers, and what a run leaves on disk."""
