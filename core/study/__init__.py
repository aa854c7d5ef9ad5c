"""A plan of runs as a table: what is done, what the rest costs, and doing it."""
