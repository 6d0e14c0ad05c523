"""How the speech weights are made: synthetic speech with known phones, a rule-based teacher, a small network.

`python -m emosplat.blendshapes.training WORK_FOLDER` runs every stage; docs are in `__main__`.
"""
