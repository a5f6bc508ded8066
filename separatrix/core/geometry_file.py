"""Reading of geometry files: one molecule, whole and alone, or one line that says what else a file holds.

What a file says and is not used here (further frames, a cell, own masses, constraints) is refused rather than dropped.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from separatrix.core.errors import ConfigError

if TYPE_CHECKING:
    import ase

#: Formats beside XYZ, by their names in ASE: those that say which elements the atoms are and can hold one molecule.
FORMATS = {
    "proteindatabank": "PDB",
    "gen": "GEN of DFTB+",
    "mol": "MOL",
    "sdf": "SDF",
    "turbomole": "Turbomole",
    "aims": "FHI-aims",
    "gaussian-in": "Gaussian input",
    "traj": "ASE trajectory",
    "json": "ASE JSON",
}

#: Elements whose symbol in capitals is also a PDB name of an atom of another element (CA: calcium, or an alpha carbon).
_TWO_MEANINGS = {
    first + second: (first + second.lower(), first)
    for first in "HCNOSP"
    for second in "ABGDEZH"
    if first + second.lower() in atomic_numbers
}

_FORTRAN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[dD][+-]?\d+")

#: Largest difference (dalton) from the standard atomic mass that is rounding, or carbon 12 in place of carbon.
_MASS_TOLERANCE = 0.03


def read(path: Path, *, first: bool = False) -> tuple[tuple[str, ...], np.ndarray]:
    """Element symbols and positions in angstrom, shape (n_atoms, 3), of a file.

    Parameters
    ----------
    first
        Whether an XYZ file may hold further frames, of which the first is read: for what asks for the atoms alone.

    Raises
    ------
    ConfigError
        When it cannot be read, or holds anything but one molecule of known elements.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not content.strip():
        raise _unreadable(path, "it is empty")
    try:
        # Windows programs begin a file with a byte order mark.
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = []  # one of ASE's own formats, perhaps
    ending = path.suffix.lower()
    if ending in (".xyz", ".extxyz") or (lines and lines[0].strip().isdigit() and ending not in (".mol", ".sdf")):
        # Nearly all are of this kind, every job reads some, and ASE's readers take as long to import as all of
        # separatrix.config.load.
        if not lines:
            raise _unreadable(path, "it is not text")
        if first and lines[0].strip().isdigit():
            lines = lines[: 2 + int(lines[0])]
        comment = lines[1] if len(lines) > 1 else ""
        if not re.search(r"\b(properties|lattice|pbc)\s*=", comment, re.IGNORECASE):
            return _plain_xyz(path, lines)
        _check_extended(path, lines)
        return _one_molecule(path, _by_ase(path, "extxyz")[: 1 if first else None])
    kind = _format(path)
    _check_text(path, kind, lines)
    return _one_molecule(path, _by_ase(path, kind))


# --- XYZ ------------------------------------------------------------------------------------------------------------


def _plain_xyz(path: Path, lines: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    symbols, positions = [], []
    for number, columns in _rows(path, lines):
        if len(columns) < 4:
            raise _unreadable(path, "wanted are an element and x, y, z in angstrom", number)
        symbols.append(_element(path, number, columns[0]))
        positions.append([_number(path, number, word) for word in columns[1:4]])
    return tuple(symbols), np.array(positions)


def _rows(path: Path, lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Number and words of each line of an atom; the file has as many as it says, and no second frame."""
    first = lines[0].split() or [""]
    if len(first) != 1 or not first[0].isascii() or not first[0].isdigit():
        raise _unreadable(path, f"{_short(lines[0])} is not the number of atoms", 1)
    count = int(first[0])
    if not count:
        raise ConfigError(f"{path}: holds no atoms")
    rows, rest = lines[2 : 2 + count], lines[2 + count :]
    if len(rows) < count:
        raise _unreadable(path, f"it ends after {len(rows)} of the {count} atoms that its first line promises")
    for number, line in enumerate(rest, start=3 + count):
        if line.strip() == str(count):
            raise ConfigError(f"{path}: holds several frames, the second from line {number} on; give a file of one")
        if line.strip():
            raise _unreadable(path, f"{_short(line)} follows the {count} atoms that line 1 promises", number)
    yield from ((number, line.split()) for number, line in enumerate(rows, start=3))


def _check_extended(path: Path, lines: Sequence[str]) -> None:
    """Complain of what ASE's reader would pass over or read as something else."""
    match = re.search(r"\bproperties\s*=\s*[\"']?([^\s\"']+)", lines[1], re.IGNORECASE)
    fields = match.group(1).split(":") if match else ["species", "S", "1", "pos", "R", "3"]
    column, species = 0, None
    for name, width in zip(fields[::3], fields[2::3], strict=False):
        if name.lower() in ("species", "symbols") and species is None:
            species = column
        column += int(width) if width.isdigit() else 1
    if species is None:
        raise _unreadable(path, "Properties names no column `species`", 2)
    for number, columns in _rows(path, lines):
        if len(columns) < column:
            raise _unreadable(path, f"{len(columns)} columns, where Properties names {column}", number)
        _element(path, number, columns[species])


def _element(path: Path, line: int, word: str) -> str:
    """Element symbol that a word means: a symbol in any case, or an atomic number."""
    if word in atomic_numbers and word != "X":
        return word
    if word.isascii() and word.isdigit() and 0 < int(word) < len(chemical_symbols):
        return chemical_symbols[int(word)]
    if word in _TWO_MEANINGS:
        element, other = _TWO_MEANINGS[word]
        raise _unreadable(path, f"{word!r} is {element}, or the name of an atom {other}; write which", line)
    symbol = word.capitalize()
    if symbol == "X" or word == "0":
        raise _unreadable(path, f"{word!r} is a dummy atom; take it out", line)
    if symbol in ("D", "T"):
        raise _unreadable(path, f"{word!r} is an isotope; write H, masses are those of the natural mixture", line)
    if symbol not in atomic_numbers:
        raise _unreadable(path, f"{_short(word)} is not an element; give its symbol, as in C or Cl", line)
    return symbol


def _number(path: Path, line: int, word: str) -> float:
    try:
        if "_" in word:
            raise ValueError
        # Fortran writes 1.0D+00.
        return float(re.sub("[dD]", "e", word) if _FORTRAN.fullmatch(word) else word)
    except ValueError:
        raise _unreadable(path, f"{_short(word)} is not a number", line) from None


def _unreadable(path: Path, why: str | Exception, line: int | None = None) -> ConfigError:
    reason = " ".join(str(why).split()) or type(why).__name__
    at = "" if line is None else f"line {line}: "
    return ConfigError(f"{path}: not a readable geometry ({at}{reason[:200]}); an XYZ file is expected")


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 40 else f"{text[:40]}...")


# --- other formats, by ASE ------------------------------------------------------------------------------------------


def _format(path: Path) -> str:
    import ase.io.formats

    try:
        kind = ase.io.formats.filetype(str(path))
    except Exception as error:  # whatever its readers make of a file that is not what its ending says
        raise _unreadable(path, error) from error
    if kind not in FORMATS:
        raise ConfigError(
            f"{path}: not a geometry that is read here (it looks like {kind!r}); give XYZ, or one of "
            f"{', '.join(FORMATS.values())}"
        )
    return kind


def _by_ase(path: Path, kind: str) -> list[ase.Atoms]:
    import ase.io

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frames = ase.io.read(str(path), index=":", format=kind)
            return frames if isinstance(frames, list) else [frames]
    except Exception as error:  # its readers raise whatever they stumble over, StopIteration included
        raise _unreadable(path, error) from error


def _check_text(path: Path, kind: str, lines: Sequence[str]) -> None:
    """Complain of what ASE's readers pass over, or guess."""
    if kind == "proteindatabank":
        _check_pdb(path, lines)
    elif kind in ("mol", "sdf"):
        ends = [number for number, line in enumerate(lines) if line.startswith("M  END")]
        after = [line for line in lines[ends[0] + 1 :] if line.strip()] if ends else []
        if len(ends) > 1 or (after.count("$$$$") and after[-1].strip() != "$$$$"):
            raise ConfigError(f"{path}: holds several molecules; give a file of one")
        for number, line in enumerate(lines, start=1):
            columns = line.split()
            mass_difference = columns[4] if len(columns) >= 14 and columns[3].isalpha() else "0"
            if line.startswith("M  ISO") or mass_difference not in ("0", ""):
                raise ConfigError(f"{path}: line {number}: names an isotope; masses here are those of the mixture")
    elif kind == "gaussian-in" and any(line.strip().lower().startswith("--link1--") for line in lines):
        raise ConfigError(f"{path}: holds several jobs (--Link1--); give a file of one")


def _check_pdb(path: Path, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines, start=1):
        if not line.startswith(("ATOM", "HETATM")):
            continue
        where, name = f"{path}: line {number}", line[12:16].strip()
        element = line[76:78].strip()
        if not element:
            raise ConfigError(
                f"{where}: atom {name!r} has no element in columns 77 and 78, and its name may mean several; "
                "fill the columns, or give an XYZ file"
            )
        if element.capitalize() not in atomic_numbers or element == "X":
            raise ConfigError(f"{where}: atom {name!r}: {element!r} is not an element")
        if line[16:17].strip() not in ("", "A", "1"):
            raise ConfigError(
                f"{where}: atom {name!r} is an alternate location ({line[16]!r}); keep one location of each"
            )


def _one_molecule(path: Path, frames: Sequence[ase.Atoms]) -> tuple[tuple[str, ...], np.ndarray]:
    if len(frames) != 1:
        held = f"{len(frames)} frames; give a file of one" if frames else "no geometry"
        raise ConfigError(f"{path}: holds {held}")
    atoms = frames[0]
    symbols = tuple(atoms.get_chemical_symbols())
    if not symbols:
        raise ConfigError(f"{path}: holds no atoms")
    for index, symbol in enumerate(symbols):
        if not atomic_numbers[symbol]:
            raise ConfigError(f"{path}: atom {index} ({symbol}) is a dummy atom; take it out")
    # A PDB file of one molecule may carry a cell of 1 angstrom, which by convention is none.
    if atoms.pbc.any() and not np.allclose(atoms.cell.lengths(), 1.0):
        raise ConfigError(f"{path}: has a periodic cell, which is not used; molecules stand alone here: take it out")
    usual = np.array([atomic_masses[atomic_numbers[s]] for s in symbols])
    for own in (atoms.arrays[name] for name in ("masses", "mass") if name in atoms.arrays):
        off = np.abs(own - usual) > _MASS_TOLERANCE
        if off.any():
            index = int(np.flatnonzero(off)[0])
            raise ConfigError(
                f"{path}: gives atom {index} ({symbols[index]}) the mass {own[index]:g}, which is not used; masses "
                f"here are those of the natural mixture ({usual[index]:g}): take them out"
            )
    if atoms.constraints:
        raise ConfigError(f"{path}: holds atoms fast, which is not done here; take the constraints out")
    return symbols, np.asarray(atoms.get_positions(), dtype=float)
