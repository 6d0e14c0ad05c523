"""Cameras: named views, files, and cameras that move."""
