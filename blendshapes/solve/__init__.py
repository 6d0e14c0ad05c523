"""Solving: what a face does, whoever's it is, becomes expression and jaw of one head, lips in contact."""
