"""Certificates: what no attack within a radius can change, proven. Pure mathematics."""
