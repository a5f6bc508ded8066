"""The kinds of collective variables: one entry for each, with all that there is to know of it.

An entry is a `Kind` or a `Compound` among the `ENTRIES` of a module of this package: kernel, specification, meaning,
unit, period, and how PLUMED and OpenMM write it. A package of its own may add one through the entry-point group
``separatrix.cvs`` (name = the kind's word, object = the entry), without touching this source.

Units throughout: positions in nm, velocities in nm/ps (OpenMM's). Distances come out in angstrom, angles in degree,
functions of dihedrals without a unit; a rate is the time derivative of a value along the velocities, in that unit per
ps. Arithmetic is in double precision whatever the precision of the input.

=========================== ============ ======== ============================================================
kind                        atoms        unit     value
=========================== ============ ======== ============================================================
``distance``                i, j         angstrom length of i-j
``angle``                   i, j, k      degree   angle at j, 0 to 180
``cos_angle``               i, j, k      1        its cosine (smooth through a linear angle)
``sin_angle``               i, j, k      1        its sine, 0 to 1 (with a cusp at a linear angle)
``dihedral``                i, j, k, l   degree   dihedral i-j-k-l (IUPAC sign, as MDTraj's), -180 to 180
``cos_dihedral``            i, j, k, l   1        its cosine
``sin_dihedral``            i, j, k, l   1        its sine
``sin_angle_cos_dihedral``  i, j, k, l   1        sin(angle j-k-l) cos(dihedral i-j-k-l)
``sin_angle_sin_dihedral``  i, j, k, l   1        sin(angle j-k-l) sin(dihedral i-j-k-l)
``in_plane_displacement``   a, b, c, d   angstrom displacement of b from the axis a...c, in the plane of
                                                  a, c and d, positive on the side of d
``improper``                o, a, b, c   angstrom displacement of o out of the plane of a, b and c, positive on
                                                  the side from which a, b, c turn counter-clockwise
``x``, ``y``, ``z``         i            angstrom Cartesian coordinate
``coordination``            pairs        1        sum over pairs of (1 - (r/r0)^n)/(1 - (r/r0)^m)
``rmsd``                    any number   angstrom root mean square displacement from a reference geometry, over
                                                  these atoms, after the best superposition of the same atoms
``mdtraj``                  any number   its own  a function of MDTraj on the list `MDTRAJ`
``difference``,             (terms)      theirs   sum of weight times another variable
``linear_combination``
``product``                 (terms)      product  product of other variables
=========================== ============ ======== ============================================================

A raw dihedral jumps by 360 degrees, and a reaction coordinate is linear in its variables: states, crossings and pulls
take one, candidates for a reaction coordinate and compounds do not.

Degenerate geometries give a documented finite answer, never NaN ("linear" means a sine below 1e-12,
"coincident" means closer than 1e-12 nm):

* a distance between coincident atoms has the rate 0, and an angle with coincident atoms the value 0 and the
  rate 0 (its cosine then is 0);
* at an exactly linear angle (0 or 180 degrees) the angle has a cone's tip: it changes at the same speed
  whichever way the atoms move. Its rate is defined as 0, the mean of the two one-sided derivatives; so are that
  of its sine, and that of an RMSD at its reference;
* a dihedral with an exactly linear angle i-j-k or j-k-l means nothing; its cosine, its sine, and their rates
  are defined as 0 (the mean over all the dihedrals next to it), and the dihedral itself as 0 degrees. Close
  to linearity the rates are the true ones and grow as 1/sin(angle): prefer the kinds that hold sin(angle)
  cos(dihedral) as one function, which stay smooth, to a `product` of the two;
* these and the in-plane displacement are smooth where the angle j-k-l, or a-b-c, is linear. Only where
  their plane of reference is undefined (i, j, k linear; a, c, d linear) are value and rate defined as 0; so are
  those of an improper whose a, b, c are linear;
* where MDTraj gives no number (angles of coincident atoms), value and rate are 0.

What decides something (a basin, a mechanism) asks for :attr:`Variable.deciding`, which is NaN where a dihedral has an
angle within a degree of a straight line, and for an angle with coincident atoms.

The angle is atan2(|u x v|, u . v), accurate near 0 and 180 degrees where arccos is not.
"""

from __future__ import annotations

from separatrix.core.errors import ConfigError
from separatrix.core.registry import Registry
from separatrix.cvs.kinds.kind import Compound, Kind, VariableEntry, did_you_mean

__all__ = ["COMPOUNDS", "KINDS", "REGISTRY", "default_name", "entry_of", "kind_names", "problem_with"]

REGISTRY = Registry("a kind of variable", "separatrix.cvs", __name__, VariableEntry, "ENTRIES")

#: Every kind of variable that is a function of atoms, as far as it is loaded: those of packages are when they are first
#: asked for. The name is the one written in the config.
KINDS: dict[str, Kind] = {}
#: The kinds that are composed of other variables.
COMPOUNDS: dict[str, Compound] = {}


def entry_of(name: str) -> VariableEntry:
    """The entry of a kind, loaded where a package registers it.

    Raises
    ------
    ConfigError
        When there is none, or the package that registers it is broken.
    """
    entry: VariableEntry | None = KINDS.get(name) or COMPOUNDS.get(name)
    if entry is None:
        entry = REGISTRY[name]
        if isinstance(entry, Kind):
            KINDS[name] = entry
        elif isinstance(entry, Compound):
            COMPOUNDS[name] = entry
    return entry


for _name in REGISTRY.own():
    entry_of(_name)


def kind_names() -> list[str]:
    """Names of all kinds, those of installed packages too, sorted."""
    return REGISTRY.names()


def problem_with(name: object) -> str | None:
    """What is wrong with the name of a kind, in one line that starts with the key, or None."""
    if not isinstance(name, str) or (name not in KINDS and name not in COMPOUNDS and name not in REGISTRY):
        return f"kind: {name!r} is not a kind of variable{did_you_mean(name, kind_names())}"
    try:
        entry_of(name)
    except ConfigError as error:
        return f"kind: {error}"
    return None


def default_name(kind: str, content: str) -> str:
    """Name of a variable that has been given none."""
    return f"{KINDS[kind].label}({content})"
