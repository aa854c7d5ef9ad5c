"""Condensed sets that were made elsewhere: their labels and pixels brought to those of a data set."""
