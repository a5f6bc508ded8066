"""Surfaces whose free energy along a coordinate is known by quadrature, frames drawn from them exactly, and shots."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rate_models import Walker

from separatrix.core.units import BOLTZMANN
from separatrix.rates import mbar
from separatrix.rates.transmission import Pair


@dataclass(frozen=True)
class Surface:
    """V = barrier ((x/a)^2 - 1)^2 + tilt x/a + (stiffness/2) (y - x)^2 and r = (x + mixed y)/a + curved ((y/a)^2 - 1).

    With stiffness 0 there is no y. Both coordinates have a mass of their own. Averages are sums over a grid,
    and frames are drawn from the same sums, so that one is exact for the other.

    Attributes
    ----------
    barrier, tilt
        kJ/mol.
    stiffness
        kJ/mol/nm^2.
    mixed, curved
        Without unit.
    masses
        Dalton, of x and y.
    """

    barrier: float
    tilt: float = 0.0
    stiffness: float = 0.0
    mixed: float = 0.0
    curved: float = 0.0
    masses: tuple[float, float] = (6.0, 40.0)
    a: float = 0.05

    @cached_property
    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y in nm, flat."""
        if not self.stiffness:
            x = np.linspace(-1.9, 1.9, 200001) * self.a
            return x, np.zeros_like(x)
        x, y = np.meshgrid(np.linspace(-1.9, 1.9, 501) * self.a, np.linspace(-2.6, 2.6, 501) * self.a, indexing="ij")
        return x.ravel(), y.ravel()

    @cached_property
    def energy(self) -> np.ndarray:
        """kJ/mol on the grid."""
        x, y = self.grid
        u = x / self.a
        return self.barrier * (u**2 - 1.0) ** 2 + self.tilt * u + 0.5 * self.stiffness * (y - x) ** 2

    @cached_property
    def r(self) -> np.ndarray:
        """The coordinate on the grid."""
        x, y = self.grid
        return (x + self.mixed * y) / self.a + self.curved * ((y / self.a) ** 2 - 1.0) * (self.curved != 0.0)

    @cached_property
    def speed(self) -> np.ndarray:
        """Length of the mass-weighted gradient of r on the grid, 1/(nm Da^(1/2))."""
        _, y = self.grid
        along_y = self.mixed / self.a + 2.0 * self.curved * y / self.a**2
        return np.sqrt(1.0 / self.a**2 / self.masses[0] + along_y**2 / self.masses[1])

    def windows(
        self, rng: np.random.Generator, frames: int, *, count: int = 13, ends: float = 1.5, temperature: float = 300.0
    ) -> list[mbar.Window]:
        """Independent frames of every window, by weight from the grid."""
        kt, spacing = BOLTZMANN * temperature, 2.0 * ends / (count - 1)
        stiffness, made = kt / (0.6 * spacing) ** 2, []
        for centre in np.linspace(-ends, ends, count):
            exponent = -(self.energy + 0.5 * stiffness * (self.r - centre) ** 2) / kt
            total = np.cumsum(np.exp(exponent - exponent.max()))
            at = np.searchsorted(total, rng.random(frames) * total[-1])
            made.append(mbar.Window(float(centre), stiffness, self.r[at], self.speed[at], self.energy[at]))
        return made

    def weight(self, temperature: float = 300.0) -> np.ndarray:
        """Boltzmann weights on the grid, sum 1."""
        weight = np.exp(-(self.energy - self.energy.min()) / (BOLTZMANN * temperature))
        return weight / weight.sum()

    def density(
        self, r: float, values: np.ndarray | float = 1.0, temperature: float = 300.0, half: float = 0.008
    ) -> float:
        """Average of values times delta(r - here), the delta function 2 x half wide."""
        near = np.abs(self.r - r) <= half
        return float((self.weight(temperature) * values)[near].sum() / (2.0 * half))

    def exact(self, top: float, temperature: float = 300.0) -> tuple[float, float, float]:
        """Rates of transition-state theory both ways (1/s) and the equilibrium constant, divided at r = top."""
        kt, weight = BOLTZMANN * temperature, self.weight(temperature)
        # Mean of |v| over 2 for v normal with variance kT speed^2, in units of r per ps.
        flux = math.sqrt(kt / (2.0 * math.pi)) * self.density(top, self.speed, temperature) * 1e12
        reactant = float(weight[self.r < top].sum())
        return flux / reactant, flux / (1.0 - reactant), (1.0 - reactant) / reactant


def pairs(walker: Walker, count: int, rng: np.random.Generator, start: np.ndarray | None = None) -> list[Pair]:
    """Shots off x = 0, or off x = `start` (nm, shape (count,)), along r = x/a."""
    x = np.zeros((1, count)) if start is None else np.asarray(start)[None]
    return _pairs(
        x,
        np.array([walker.mass]),
        walker.friction,
        walker.temperature,
        (walker.step, walker.every, walker.longest),
        lambda q: walker.force(q),
        lambda q: q[0] / walker.a,
        lambda q, v: walker.sides(q[0], v[0]),
        rng,
    )


def slow_pairs(surface: Surface, start: np.ndarray, friction: float, edge: float, rng: np.random.Generator):
    """Shots off configurations of a surface of two coordinates along r = x/a; states |x| > edge a.

    Parameters
    ----------
    start
        x and y in nm, shape (2, count).
    friction
        1/ps, of both coordinates.
    """

    def force(q: np.ndarray) -> np.ndarray:
        u, stretch = q[0] / surface.a, surface.stiffness * (q[1] - q[0])
        return np.array([-(4.0 * surface.barrier * u * (u * u - 1.0) + surface.tilt) / surface.a + stretch, -stretch])

    return _pairs(
        start,
        np.array(surface.masses),
        friction,
        300.0,
        (0.002, 2, 200_000),
        force,
        lambda q: q[0] / surface.a,
        lambda q, _: (np.sign(q[0]) * (np.abs(q[0]) > edge * surface.a)).astype(int),
        rng,
    )


def _pairs(start, masses, friction, temperature, times, force_of, r_of, sides, rng) -> list[Pair]:
    """Both halves of all shots at once, to where they first come into a state at a frame (BAOAB)."""
    step, every, longest = times
    count = start.shape[1]
    q = np.concatenate([start, start], axis=1)
    spread = np.sqrt(BOLTZMANN * temperature / masses)[:, None]
    v = spread * rng.standard_normal(start.shape)
    # dr/dt is linear in v, and r here linear in x.
    flow = r_of(start + v) - r_of(start)
    v = v * np.sign(flow)
    v = np.concatenate([v, -v], axis=1)
    kept = math.exp(-friction * step)
    drawn, push = math.sqrt(1.0 - kept * kept) * spread, 0.5 * step / masses[:, None]
    tracks: list[list[float]] = [[value] for value in r_of(q)]
    end, alive, force = np.full(2 * count, -1), np.arange(2 * count), force_of(q)
    for _ in range(longest):
        for _ in range(every):
            v = v + push * force
            q = q + 0.5 * step * v
            v = kept * v + drawn * rng.standard_normal(v.shape)
            q = q + 0.5 * step * v
            force = force_of(q)
            v = v + push * force
        side = sides(q, v)
        for i, value in zip(alive, r_of(q), strict=True):
            tracks[i].append(value)
        end[alive[side != 0]] = side[side != 0] > 0
        on = side == 0
        alive, q, v, force = alive[on], q[:, on], v[:, on], force[:, on]
        if not len(alive):
            break
    halves = [np.array(track) for track in tracks]
    return [
        Pair(i, float(abs(flow[i])), halves[i], halves[count + i], int(end[i]), int(end[count + i]))
        for i in range(count)
    ]
