"""Theory of diffusive rates on a free-energy surface of collective variables, beside the exact numerical answer.

Given a surface U(x, y), a diffusion tensor D and two states, :func:`separatrix.theory.analysis.analyse` gives rates,
committors and separatrices by finite elements (exact), Langer, Kramers along any direction, the reaction-diffusion
trial, and the variational combination of any of them. Units are the user's own, as long as they are consistent: energy
1/beta, the collective variables', and time.

The variational principle is that of Berezhkovskii and Szabo, J. Chem. Phys. 2005, 122, 014503, and Berezhkovskii,
Szabo, Greives and Zhou, J. Chem. Phys. 2014, 141, 204106. `docs/theory.md` derives what is used here; its equation
numbers are those of the docstrings.
"""
