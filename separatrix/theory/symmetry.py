"""Which symmetry a surface and its diffusion tensor share, and so whether saddle-point avoidance must vanish.

If S maps A to B and back, U(S r) = U(r) and S D(r) S^T = D(S r), then q(S r) = 1 - q(r), and a saddle that S leaves
where it is has q = 1/2 exactly (docs/theory.md, section 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from separatrix.theory.elements import Elements


@dataclass(frozen=True)
class Symmetry:
    """One candidate.

    Attributes
    ----------
    name
        In words.
    matrix
        S, shape (2, 2); r -> r_s + S (r - r_s).
    swaps_states
        Whether it maps A to B and B to A.
    surface_deviation
        Largest beta |U(S r) - U(r)| at nodes low enough to matter.
    diffusion_deviation
        Largest |S D S^T - D(S r)| relative to sqrt(D_ii D_jj).
    """

    name: str
    matrix: np.ndarray
    swaps_states: bool
    surface_deviation: float
    diffusion_deviation: float

    @property
    def surface_has_it(self) -> bool:
        """Whether U and the states share the symmetry, to 1e-6 kT."""
        return self.swaps_states and self.surface_deviation < 1e-6

    @property
    def holds(self) -> bool:
        """Whether U, D and the states share it, so that the committor at the saddle must be 1/2."""
        return self.surface_has_it and self.diffusion_deviation < 1e-9


def candidates(elements: Elements, saddle: np.ndarray, height: float = 20.0) -> list[Symmetry]:
    """Inversion, mirrors and exchanges about the saddle, each held against U, D and the states.

    Parameters
    ----------
    saddle
        Shape (2,).
    height
        Nodes higher than this above the lowest one, in kT, are not compared (but all below the saddle plus 5 kT are).
    """
    top = elements.beta * (float(elements.surface.energy(*saddle)) - elements.reference)
    matters = elements.beta * (elements.energies - elements.reference) <= max(height, top + 5.0)
    nodes, energies = elements.nodes[matters], elements.energies[matters]
    in_a, in_b = elements.in_a[matters], elements.in_b[matters]
    # Variables of different units: an exchange of x and y is one of lengths in which A and B are equally far apart.
    apart = np.abs(nodes[in_b].mean(axis=0) - nodes[in_a].mean(axis=0))
    ratio = apart[0] / apart[1] if apart.min() > 0.1 * elements.grid.spacing.max() else 1.0
    forms = {
        "inversion": np.diag([-1.0, -1.0]),
        "mirror x -> -x": np.diag([-1.0, 1.0]),
        "mirror y -> -y": np.diag([1.0, -1.0]),
        "exchange of x and y": np.array([[0.0, ratio], [1.0 / ratio, 0.0]]),
        "exchange of x and -y": np.array([[0.0, -ratio], [-1.0 / ratio, 0.0]]),
    }
    return [_judge(elements, name, matrix, saddle, nodes, energies, in_a, in_b) for name, matrix in forms.items()]


def _judge(
    elements: Elements,
    name: str,
    matrix: np.ndarray,
    saddle: np.ndarray,
    nodes: np.ndarray,
    energies: np.ndarray,
    in_a: np.ndarray,
    in_b: np.ndarray,
) -> Symmetry:
    images = saddle + (nodes - saddle) @ matrix.T
    mapped = elements.surface.energy(*images.T)
    with np.errstate(invalid="ignore"):
        off = elements.beta * np.abs(mapped - energies)
    surface = float(np.max(np.where(np.isfinite(off), off, np.inf)))
    tensors = [np.stack(np.broadcast_arrays(*elements.diffusion.components(*r.T)), axis=-1) for r in (nodes, images)]
    here, there = (np.stack([t[..., [0, 1]], t[..., [1, 2]]], axis=-2) for t in tensors)
    if here.ndim == 2:
        here, there = here[None], there[None]
    size = np.sqrt(np.einsum("kii->ki", here))
    error = np.abs(matrix @ here @ matrix.T - there) / np.einsum("ki,kj->kij", size, size)
    diffusion = float(np.max(np.where(np.isfinite(error), error, np.inf)))
    swaps = _mapped(elements, images[in_a], elements.in_b) and _mapped(elements, images[in_b], elements.in_a)
    return Symmetry(name, matrix, swaps, surface, diffusion)


def _mapped(elements: Elements, images: np.ndarray, target: np.ndarray) -> bool:
    """Whether images of nodes lie in a state, of which `target` marks the nodes, within one grid spacing."""
    x, y = elements.grid.x, elements.grid.y
    n, m = elements.grid.shape
    i = np.clip(np.rint((images[:, 0] - x[0]) / elements.grid.spacing[0]).astype(int), 0, n - 1)
    j = np.clip(np.rint((images[:, 1] - y[0]) / elements.grid.spacing[1]).astype(int), 0, m - 1)
    marked = np.zeros((n, m), dtype=bool)
    marked.ravel()[elements.active[target]] = True
    grown = marked.copy()
    grown[1:] |= marked[:-1]
    grown[:-1] |= marked[1:]
    grown[:, 1:] |= grown[:, :-1].copy()
    grown[:, :-1] |= grown[:, 1:].copy()
    return bool(grown[i, j].all())
