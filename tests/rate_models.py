"""A walker in a double well, fast enough in plain Python to prove rates on, and its rate by brute force."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from separatrix.core.units import BOLTZMANN
from separatrix.rates.tis.transition_paths import NEITHER, PRODUCT, REACTANT, TrajectorySegment


@dataclass(frozen=True)
class Walker:
    """V = barrier ((x/a)^2 - 1)^2 + tilt x/a with Langevin dynamics (BAOAB), or without noise where friction is 0.

    The states are |x| > edge a where, besides, the energy is `below` kJ/mol under the barrier or more: at low friction
    one that has come to the other side goes back and forth, and has not reacted before it has lost energy. Positions
    and velocities of n frames have the shape (n,).
    """

    friction: float
    barrier: float = 12.5
    tilt: float = 0.0
    a: float = 0.05
    mass: float = 6.0
    temperature: float = 300.0
    edge: float = 0.6
    below: float = -math.inf
    step: float = 0.002  # ps
    every: int = 2  # steps per frame
    longest: int = 200000  # frames

    @property
    def kt(self) -> float:
        return BOLTZMANN * self.temperature

    @property
    def stochastic(self) -> bool:
        return self.friction > 0.0

    @property
    def frame(self) -> float:
        """ps"""
        return self.step * self.every

    def energy(self, x):
        u = x / self.a
        return self.barrier * (u * u - 1.0) ** 2 + self.tilt * u

    def force(self, x):
        u = x / self.a
        return -(4.0 * self.barrier * u * (u * u - 1.0) + self.tilt) / self.a

    def sides(self, x, v):
        side = np.sign(x) * (np.abs(x) > self.edge * self.a)
        if self.below > -math.inf:
            side = side * (self.energy(x) + 0.5 * self.mass * v * v < self.barrier - self.below)
        return side.astype(int)

    def order(self, x):
        return np.asarray(x) / self.a

    def draw(self, x, rng):
        return np.asarray(math.sqrt(self.kt / self.mass) * rng.standard_normal())

    def along(self, x, v):
        return np.asarray(v)

    def run_to_state(self, x, v, rng):
        return self._run(x, v, self.longest, rng, (REACTANT, PRODUCT))

    def run_frames(self, x, v, frames, rng):
        return self._run(x, v, frames, rng, ())

    def _run(self, x, v, frames, rng, stop):
        # Floats of Python: numpy's cost four times as much one by one.
        x, v, a, h = float(x), float(v), self.a, 0.5 * self.step
        quarter, tilt, half = 4.0 * self.barrier / a, self.tilt / a, h / self.mass
        kept = math.exp(-self.friction * self.step)
        drawn = math.sqrt((1.0 - kept * kept) * self.kt / self.mass)
        edge, bound = self.edge * a, self.barrier - self.below
        steps, noise, xs, vs, side = range(self.every), iter(()), [], [], NEITHER
        u = x / a
        f = -quarter * u * (u * u - 1.0) - tilt
        for number in range(frames):
            if drawn and number % 64 == 0:
                noise = iter(rng.standard_normal(64 * self.every).tolist())
            for _ in steps:
                v += half * f
                x += h * v
                if drawn:
                    v = kept * v + drawn * next(noise)
                x += h * v
                u = x / a
                f = -quarter * u * (u * u - 1.0) - tilt
                v += half * f
            xs.append(x)
            vs.append(v)
            side = NEITHER
            if (x > edge or x < -edge) and (bound == math.inf or self.energy(x) + 0.5 * self.mass * v * v < bound):
                side = PRODUCT if x > 0.0 else REACTANT
            if side in stop:
                break
        return TrajectorySegment(np.array(xs), np.array(vs), side)

    def tst(self) -> float:
        """Rate of transition-state theory, 1/ps: the flux at the top over the population to the left of it."""
        x = np.linspace(-3.0 * self.a, 3.0 * self.a, 600001)
        weight = np.exp(-self.energy(x) / self.kt)
        middle = np.abs(x) < 0.5 * self.a
        top = x[middle][np.argmin(weight[middle])]
        speed = math.sqrt(self.kt / (2.0 * math.pi * self.mass))
        return speed * float(weight[middle].min()) / float(weight[x < top].sum() * (x[1] - x[0]))

    def kramers(self) -> float:
        """Kramers' rate for a parabolic barrier at moderate to high friction, 1/ps (no tilt)."""
        omega = math.sqrt(4.0 * self.barrier / self.mass) / self.a
        return self.tst() * (math.sqrt(0.25 * self.friction**2 + omega**2) - 0.5 * self.friction) / omega

    def diffusive(self) -> float:
        """Rate of transition-path theory at high friction, 1/ps, by quadrature (E and Vanden-Eijnden 2006).

        The flux of the committor q over the population that was in the left state last, 1 - q everywhere.
        """
        # Of the discrete dynamics.
        diffusion = 0.5 * self.step * self.kt / self.mass / math.tanh(0.5 * self.friction * self.step)
        x, dx = np.linspace(-3.0 * self.a, 3.0 * self.a, 600001, retstep=True)
        weight = np.exp(-self.energy(x) / self.kt)
        resistance = np.cumsum(np.where(np.abs(x) < self.edge * self.a, 1.0 / weight, 0.0))
        q = resistance / resistance[-1]
        return diffusion / (resistance[-1] * dx * float((weight * (1.0 - q)).sum() * dx))

    def brute(self, walkers: int, time: float, seed: int) -> tuple[float, float]:
        """Crossings from state to state per time in the state visited last, both ways, of walkers in equilibrium.

        No shooting, none of the library's code; without tilt both ways are the same rate.

        Returns
        -------
        1/ps, and the standard error of its logarithm.
        """
        rng = np.random.default_rng(seed)
        grid = np.linspace(-2.5 * self.a, 2.5 * self.a, 20001)
        weight = np.exp(-self.energy(grid) / self.kt)
        x = rng.choice(grid, walkers, p=weight / weight.sum())
        spread = math.sqrt(self.kt / self.mass)
        v = spread * rng.standard_normal(walkers)
        kept = math.exp(-self.friction * self.step)
        drawn = math.sqrt(1.0 - kept * kept) * spread
        f, last, count, exposed = self.force(x), np.zeros(walkers, dtype=int), np.zeros(walkers), np.zeros(walkers)
        early = 0.1 * time
        for number in range(round(1.1 * time / self.frame)):
            for _ in range(self.every):
                v += 0.5 * self.step / self.mass * f
                x += 0.5 * self.step * v
                v *= kept
                v += drawn * rng.standard_normal(walkers)
                x += 0.5 * self.step * v
                f = self.force(x)
                v += 0.5 * self.step / self.mass * f
            now = self.sides(x, v)
            if number * self.frame > early:
                count += now * last == -1
                exposed += last != 0
            last = np.where(now == 0, last, now)
        rate = count.sum() / (exposed.sum() * self.frame)
        groups = np.array_split(np.arange(walkers), 20)
        each = [count[g].sum() / (exposed[g].sum() * self.frame) for g in groups]
        return rate, float(np.std(each, ddof=1) / math.sqrt(20) / rate)
