"""Animatronic faces: their servos, a simulated skin, a model that they learn of themselves, and commands for speech."""
