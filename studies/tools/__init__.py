"""Whole studies for other people's tools."""
