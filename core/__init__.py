"""The ground floor: what every room may use, and which knows nothing of faces."""
