"""Measuring: rows with labels, what a check says of them, and the figures, reports and thresholds made of that."""
