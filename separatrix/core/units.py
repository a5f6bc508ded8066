"""Conversion factors. Inside the library: nm, ps, dalton, kJ/mol, K (OpenMM's units); degrees for angles.

Sources: CODATA 2018 (Boltzmann, Avogadro, hartree, bohr); the calorie is the thermochemical one.
"""

from scipy import constants as _c

#: kJ/mol/K
BOLTZMANN: float = _c.k * _c.N_A / 1000.0
#: kJ/mol in one kcal/mol
KCAL: float = 4.184
#: kJ/mol in one hartree
HARTREE: float = _c.value("Hartree energy") * _c.N_A / 1000.0
#: nm in one bohr
BOHR: float = _c.value("Bohr radius") * 1e9
#: nm in one angstrom
ANGSTROM: float = 0.1
#: ps in one fs
FEMTOSECOND: float = 0.001


def wavenumber(eigenvalue: float) -> float:
    """Wavenumber of a normal mode.

    Parameters
    ----------
    eigenvalue
        Eigenvalue of the mass-weighted Hessian in kJ/mol/nm^2/Da, which is ps^-2.

    Returns
    -------
    Wavenumber in cm^-1; negative for an imaginary mode (the square root of minus the eigenvalue).
    """
    omega = abs(eigenvalue) ** 0.5 * 1e12
    value = omega / (2.0 * _c.pi * _c.c * 100.0)
    return value if eigenvalue >= 0 else -value
