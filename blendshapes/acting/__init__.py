"""The generative motion model's parts: what it moves, what it is told, its network and how it is sampled."""
