"""Variables as plain data: read from a config or a coordinate file, written, and described in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from separatrix.cvs.kinds import COMPOUNDS, KINDS, default_name, kind_names, problem_with
from separatrix.cvs.kinds.kind import Lookup, did_you_mean
from separatrix.cvs.variable import Variable


def from_spec(
    spec: Mapping[str, Any],
    atom_index: Mapping[str, int] | None = None,
    *,
    references: Mapping[str, ArrayLike] | None = None,
    symbols: Sequence[str] | None = None,
    periodic: bool = False,
) -> Variable:
    """Build a variable from its description in a config or a coordinate file.

    Parameters
    ----------
    spec
        ``kind`` (a word of `KINDS`) and ``atoms`` (in the order of the table in
        :mod:`separatrix.cvs.kinds`) or what else the kind takes (below); or a kind of `COMPOUNDS` and
        ``terms`` (such descriptions, in a sum each with a ``weight``, by default 1); and a ``name``, by default
        made of kind and atoms as in ``distance(N9,N10)`` or
        ``d(N9,N10)-d(N10,C11)``.

        * ``coordination``: ``pairs`` (a list of lists of two atoms) or ``groups`` (two lists of atoms, all of whose
          pairs count), ``r0_A`` in angstrom, ``n`` (default 6) and ``m`` (default 2 n);
        * ``rmsd``: ``reference`` (a name in `references`, or the path of a geometry file) or ``reference_nm`` (one
          position for each of the atoms, nm), and ``atoms``, by default all;
        * ``mdtraj``: ``function`` (a word of `MDTRAJ`), ``arguments`` (its keyword arguments, in which atoms stand
          for their indices), ``part`` where it gives more than one number, ``step_fs`` of the rate, fs (default 0.5);
          and for functions of all atoms ``atoms``, by default all.
    atom_index
        The index of each atom name; None where the description holds indices, from 0.
    references
        Positions (N, 3) in nm of the geometries that have names.
    symbols
        Element symbols that a geometry file must have.
    periodic
        Whether the value may jump by a period, as a raw dihedral does.

    Raises
    ------
    ValueError
        In one line that names the key, what is wrong with it, and what would be right.
    """
    name = spec.get("name") if isinstance(spec, Mapping) else None
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ValueError(f"variable: name: must be a word, not {name!r}")
    who = "variable" if name is None else f"variable {name!r}"
    variable = _build(spec, Lookup(atom_index, references, symbols), who, "")[0]
    if variable.period is not None and not periodic:
        raise ValueError(f"{who}: {_jumps(variable)}")
    return variable


def _jumps(variable: Variable) -> str:
    remedy = "use 'cos_dihedral' and 'sin_dihedral'" if variable.kind == "dihedral" else "use a smooth function of it"
    half = f"{variable.period / 2:g}" if variable.period else ""
    unit = " degrees" if variable.unit == "degree" else f" {variable.unit}"
    return f"kind: a raw {variable.kind!r} jumps at +-{half}{unit}; {remedy}"


def _build(spec: object, lookup: Lookup, who: str, path: str, weighted: bool = False) -> tuple[Variable, str]:
    """The variable that `spec` describes, and its short name within a compound."""

    def fail(problem: str) -> ValueError:
        return ValueError(f"{who}: {path}{problem}")

    if not isinstance(spec, Mapping):
        key = path.rstrip(".") or "spec"
        raise ValueError(f"{who}: {key}: must be a mapping with a 'kind', not {spec!r}")
    if "kind" not in spec:
        raise fail(f"kind: is missing. Known: {', '.join(kind_names())}")
    kind = spec["kind"]
    problem = problem_with(kind)
    if problem is not None:
        raise fail(problem)
    assert isinstance(kind, str)
    allowed = {"name", "kind", *(("terms",) if kind in COMPOUNDS else KINDS[kind].form.keys)}
    allowed |= {"weight"} if weighted else set()
    for key in spec:
        if key not in allowed:
            raise fail(f"{key}: is not a key of a {kind!r}{did_you_mean(key, allowed)}")
    given = spec.get("name")
    if given is not None and (not isinstance(given, str) or not given.strip()):
        raise fail(f"name: must be a word, not {given!r}")

    if kind in COMPOUNDS:
        return _build_compound(kind, spec, lookup, who, path)
    try:
        atoms, options, content = KINDS[kind].form.read(KINDS[kind], spec, lookup)
    except ValueError as error:
        raise fail(str(error)) from None
    default = default_name(kind, content)
    name = given or default
    # The class checks the rest, and says which variable; only the path is missing.
    try:
        variable = Variable(name, kind, tuple(atoms), options=tuple(options.items()))
    except ValueError as error:
        raise fail(str(error).removeprefix(f"variable {name!r}: ")) from None
    return variable, given or (f"d({content})" if kind == "distance" else default)


def _build_compound(kind: str, spec: Mapping[str, Any], lookup: Lookup, who: str, path: str) -> tuple[Variable, str]:
    compound, given, items = COMPOUNDS[kind], spec.get("name"), spec.get("terms")
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise ValueError(f"{who}: {path}terms: must be a list, not {items!r}")
    if path.count("terms[") > 1:
        raise ValueError(f"{who}: {path}kind: a {kind!r} in a compound in a compound; write it with one level less")
    terms: list[tuple[float, Variable]] = []
    parts: list[str] = []
    for n, item in enumerate(items):
        term, short = _build(item, lookup, who, f"{path}terms[{n}].", compound.weighted)
        weight = item.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise ValueError(f"{who}: {path}terms[{n}].weight: must be a number, not {weight!r}")
        terms.append((float(weight), term))
        if compound.weighted:
            sign = "-" if weight < 0 else "+" if parts else ""
            factor = "" if abs(weight) == 1 else f"{abs(weight):g}*"
        else:
            sign, factor = "*" if parts else "", ""
        parts.append(f"{sign}{factor}{short}")
    default = "".join(parts) or kind
    # The class checks the rest (how many, units, weights), and says which variable; only the path is missing.
    name = given or default
    try:
        variable = Variable(name, kind, terms=tuple(terms))
    except ValueError as error:
        raise ValueError(f"{who}: {path}{str(error).removeprefix(f'variable {name!r}: ')}") from None
    if kind == "difference" and len({weight < 0 for weight, _ in terms}) == 1:
        raise ValueError(f"{who}: {path}terms: a difference needs weights of both signs; a sum is a linear_combination")
    return variable, given or f"({default})"


def to_spec(variable: Variable, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Description of a variable as plain data, which `from_spec` reads back.

    Parameters
    ----------
    names
        One name per atom; by default atoms are written as indices from 0, and the description needs nothing else.
    """
    head: dict[str, Any] = {"name": variable.name, "kind": variable.kind}
    if not variable.terms:
        label: Callable[[int], Any] = int if names is None else lambda atom: names[atom]
        return head | KINDS[variable.kind].form.write(variable.atoms, dict(variable.options), label)
    weighted = COMPOUNDS[variable.kind].weighted
    terms = [({"weight": weight} if weighted else {}) | to_spec(term, names) for weight, term in variable.terms]
    return head | {"terms": terms}


def describe(variable: Variable, names: Sequence[str] | None = None) -> str:
    """What a variable is, in words and with its unit.

    Parameters
    ----------
    names
        One name per atom; by default atoms are called by their indices from 0.
    """
    text = _meaning(variable, names)
    return text if variable.unit == "1" else f"{text}, in {variable.unit}"


def _meaning(variable: Variable, names: Sequence[str] | None) -> str:
    if not variable.terms:
        labels = [str(atom) if names is None else names[atom] for atom in variable.atoms]
        options = dict(variable.options)
        pairs = ", ".join("-".join(labels[n : n + 2]) for n in range(0, len(labels), 2))
        text = KINDS[variable.kind].meaning.format(*labels, atoms=", ".join(labels), pairs=pairs, **options)
        part = options.get("part")
        return text if part is None else f"{part} of {text}" if isinstance(part, str) else f"number {part} of {text}"
    inner = [_meaning(term, names) for _, term in variable.terms]
    if not COMPOUNDS[variable.kind].weighted:
        return " times ".join(f"({text})" for text in inner)
    weights = [weight for weight, _ in variable.terms]
    return " ".join(f"{weight:+g} times ({text})" for weight, text in zip(weights, inner, strict=True))
