"""One clip: from its settings and its source to frames and a record."""
