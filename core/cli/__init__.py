"""The command line: the same work as the pages, through the same door."""
