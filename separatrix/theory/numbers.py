"""The type of a point, or of one number for each variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

Numbers: TypeAlias = Sequence[float] | np.ndarray
"""A few numbers, as a sequence or an array of shape (n,)."""
