"""What the tracker adds, learned from errors that were planted."""

from __future__ import annotations

import numpy as np

from emosplat.assets.build.landmarks import regress, shared_errors


def test_a_planted_response_is_found_among_outliers() -> None:
    rng = np.random.default_rng(0)
    terms = np.column_stack([np.ones(20000), rng.normal(size=(20000, 3)) * [0.5, 1, 2]])
    planted = 0.001 * rng.normal(size=(4, 20, 2))
    errors = np.tensordot(terms, planted, 1) + rng.normal(0, 2e-4, (20000, 20, 2))
    errors[::25] += 0.05
    found = regress(terms, errors, rng.uniform(0.03, 1, (20000, 20)))
    assert np.abs(found - planted)[1:].max() < 1.5e-4
    assert np.abs(found - planted)[0].max() < 5e-4  # outliers pull the constant by at most their capped share


def test_shared_errors_and_noise_make_up_the_covariance() -> None:
    rng = np.random.default_rng(1)
    modes = 0.002 * rng.normal(size=(2, 12, 2))
    noise = rng.uniform(1e-4, 4e-4, 12)
    left = np.tensordot(rng.normal(size=(20000, 2)), modes, 1) + noise[:, None] * rng.normal(size=(20000, 12, 2))
    found, own = shared_errors(left, np.ones((20000, 12)), 2)
    ours = np.einsum("kla,kmb->lamb", found, found)
    theirs = np.einsum("kla,kmb->lamb", modes, modes)
    assert np.abs(ours - theirs).max() < 0.05 * np.abs(theirs).max()
    assert np.allclose(own, noise, rtol=0.25)
