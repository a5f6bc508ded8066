"""An engine of springs that misbehaves, at its third gradient, in the way that its option names."""

import asyncio
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import openmm

from separatrix.core.errors import PotentialError
from separatrix.potentials.engine import Engine
from separatrix.potentials.potential import Option, python_potential

OPTIONS = {"how": Option(str, "way to misbehave"), "when": Option(str, "at a gradient, or as it is built")}


def misbehave(how, energy, gradient):
    match how:
        case "chdir":
            os.chdir(Path(__file__).parent)
        case "chdir and raise":
            os.chdir("/")
            raise RuntimeError("lost the way")
        case "chdir to nowhere":
            Path("gone").mkdir()
            os.chdir("gone")
            Path("../gone").resolve().rmdir()
        case "raise":
            raise RuntimeError("I\nam ill\x1b[31m \u202e")
        case "potential error":
            raise PotentialError("no convergence")
        case "memory":
            raise MemoryError
        case "interrupt":
            raise KeyboardInterrupt
        case "cancelled":
            raise asyncio.CancelledError
        case "unspeakable":
            raise Unspeakable
        case "exit":
            sys.exit(3)
        case "_exit":
            os._exit(3)
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "terminate":
            os.kill(os.getpid(), signal.SIGTERM)
        case "close pipes":
            os.closerange(3, 64)
            time.sleep(600)
        case "sleep":
            time.sleep(600)
        case "recursion":
            misbehave(how, energy, gradient)
        case "nan":
            return np.nan, gradient
        case "inf gradient":
            return energy, np.full_like(gradient, np.inf)
        case "flat":
            return energy, gradient.ravel()
        case "transposed":
            return energy, gradient.T
        case "none":
            return None
        case "none gradient":
            return energy, None
        case "text":
            return "12", gradient
        case "text gradient":
            return energy, gradient.astype(str)
        case "complex":
            return energy, gradient + 1j
        case "complex energy":
            return complex(energy, 1.0), gradient
        case "one":
            return energy
    return energy, gradient


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Springs:
    def __init__(self, how):
        self.how, self.calls = how, 0

    def gradient(self, positions):
        self.calls += 1
        answer = 1.5 * float((positions**2).sum()), 3.0 * positions
        return misbehave(self.how, *answer) if self.calls == 3 else answer

    def remember(self):
        pass

    def restore(self):
        if self.how == "restore":
            raise RuntimeError("cannot go back")


def build(molecule, options):
    how = options.get("how", "")
    if options.get("when") == "built":
        misbehave(how, 0.0, np.zeros((molecule.n_atoms, 3)))
    potential = python_potential(molecule, Springs(how), "springs")
    if how == "force of its own":
        potential.system.addForce(openmm.HarmonicBondForce())
    if how == "masses of its own":
        potential.system.setParticleMass(0, 2.0)
    if how == "external field":
        potential.isolated, potential.active = False, np.eye(molecule.n_atoms, 3, dtype=bool)
        potential.energy_jump, potential.force_tolerance = np.inf, np.float32(0.5)
    if how == "no engine":
        potential.seam = None
    return potential


ENGINE = Engine(name="bad", build=build, options=OPTIONS)
