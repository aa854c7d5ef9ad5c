"""Condensed sets that were made elsewhere, as a row among the methods."""
