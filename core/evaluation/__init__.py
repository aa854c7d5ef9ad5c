"""Judging trained models: accuracies under attack, and whether they can be believed. Light to import."""
