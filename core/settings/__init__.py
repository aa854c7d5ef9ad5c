"""What a run and a study are, as light values: read by pages and the command line, so nothing here imports torch."""
