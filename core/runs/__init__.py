"""Runs: the store, the jobs, the workers, and the pipeline that joins the stages.

Importing this package or `store`, `config`, `flags`, `locks` and `executor` in it loads no torch.
"""
