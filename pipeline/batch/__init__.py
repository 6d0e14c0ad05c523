"""Whole lists of clips: planned, rendered by any number of workers, resumed after any interruption."""
