"""Evaluation: predicted speech beside recorded speech."""
