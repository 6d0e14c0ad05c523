"""Perceptual studies: from a design file to stimuli, balanced lists, pages that run, and the analysis."""
