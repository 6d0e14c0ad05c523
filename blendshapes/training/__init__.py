"""How the speech weights are made: synthetic speech with known phones, a rule-based teacher, a small network.

`render data generate` (`generate`) makes the corpus, `render train speech` (`recipe`) the weights.
"""
