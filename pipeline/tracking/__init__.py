"""Faces in films: landmarks and weights by a tracker, as curves that are measured and as motion that plays."""
