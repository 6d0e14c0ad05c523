"""Arrays of other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_array(value: Any) -> NDArray[Any]:
    """numpy's array of what is one in any library, also tensors that learn, lie on a device or are of kinds that numpy
    lacks. Raises TypeError and ValueError.

    >>> as_array([0.5, 1.0]).tolist()
    [0.5, 1.0]
    """
    if hasattr(value, "detach"):  # of torch
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() else value
    return np.asarray(value)


def plain(value: Any) -> Any:
    """Python's number of one of numpy's, a tuple of a row of them; all else as it is.

    >>> plain(np.int64(7)), plain(np.array([64, 64])), plain("7")
    (7, (64, 64), '7')
    """
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return tuple(value.tolist())
    return value.item() if isinstance(value, np.generic) else value
