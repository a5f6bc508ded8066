"""Integrators with positions and velocities at the same time, for OpenMM. OpenPathSampling is not needed."""

from __future__ import annotations

import math

import openmm

from separatrix.core.units import BOLTZMANN, FEMTOSECOND


def velocity_verlet(time_step: float) -> openmm.CustomIntegrator:
    """Velocity Verlet with positions and velocities at the same time.

    OpenMM's own Verlet and Langevin integrators keep velocities half a step off, so reversing them does not
    retrace the path; this one retraces it to rounding, which two-way shooting needs.

    Parameters
    ----------
    time_step
        fs.
    """
    integrator = openmm.CustomIntegrator(time_step * FEMTOSECOND)
    integrator.addComputePerDof("v", "v + 0.5*dt*f/m")
    integrator.addComputePerDof("x", "x + dt*v")
    integrator.addComputePerDof("v", "v + 0.5*dt*f/m")
    return integrator


def langevin(time_step: float, friction: float, temperature: float) -> openmm.CustomIntegrator:
    """Langevin dynamics by the BAOAB splitting (Leimkuhler and Matthews, J. Chem. Phys. 2013, 138, 174102, section II).

    Positions and velocities belong to the same time, and the noise comes from outside, one draw per step in the
    variable `noise`: a half-trajectory then depends on its own random stream alone, which OpenMM's generators, seeded
    once per context, cannot give. The global variable `heat` sums up the energy taken from the bath (kJ/mol), so
    that the energy can be checked as at constant energy.

    Parameters
    ----------
    time_step
        fs.
    friction
        1/ps.
    temperature
        K.
    """
    integrator = openmm.CustomIntegrator(time_step * FEMTOSECOND)
    decay = math.exp(-friction * time_step * FEMTOSECOND)
    integrator.addGlobalVariable("decay", decay)
    integrator.addGlobalVariable("drawn", math.sqrt((1.0 - decay**2) * BOLTZMANN * temperature))
    for name in ("heat", "before", "after"):
        integrator.addGlobalVariable(name, 0.0)
    integrator.addPerDofVariable("noise", 0.0)
    integrator.addComputePerDof("v", "v + 0.5*dt*f/m")
    integrator.addComputePerDof("x", "x + 0.5*dt*v")
    integrator.addComputeSum("before", "0.5*m*v*v")
    integrator.addComputePerDof("v", "decay*v + drawn*noise/sqrt(m)")
    integrator.addComputeSum("after", "0.5*m*v*v")
    integrator.addComputeGlobal("heat", "heat + after - before")
    integrator.addComputePerDof("x", "x + 0.5*dt*v")
    integrator.addComputePerDof("v", "v + 0.5*dt*f/m")
    return integrator
