"""One file for each kind of job, named like the kind, the stages they share, and the table of kinds."""
