"""A program in the place of ORCA: reads its input, writes its files; the energy is that of springs, not chemistry.

E = k/2 sum |x_i|^2 with k = 1 hartree/bohr^2, plus 1000 times the charge, plus the multiplicity. It takes a while,
writes an intermediate file and reads it again, as programs do that share no folder with a second one.
"""

import re
import sys
import time
from pathlib import Path

ANGSTROM = 1 / 0.529177210903

inputs = Path(sys.argv[1])
text = inputs.read_text()
charge, multiplicity = map(int, re.search(r"\*xyz (\S+) (\S+)", text).groups())
rows = [line.split() for line in text.partition("*xyz")[2].splitlines()[1:] if len(line.split()) == 4]
middle = inputs.with_suffix(".middle")
middle.write_text("\n".join(" ".join(row) for row in rows))
time.sleep(0.02)
rows = [line.split() for line in middle.read_text().splitlines()]
positions = [[float(value) * ANGSTROM for value in row[1:]] for row in rows]
energy = 0.5 * sum(x * x for row in positions for x in row) + 1000 * charge + multiplicity
if "fail" in text:
    print("error termination: I cannot\n at all")
    sys.exit(1)
gradient = [x for row in positions for x in row]
if "stale" not in text or not inputs.with_suffix(".engrad").exists():
    inputs.with_suffix(".engrad").write_text(
        "# The current gradient in Eh/bohr\n#\n" + "".join(f"{x:.12f}\n" for x in gradient) + "#\n# The at\n"
    )
    Path("answer").write_text(f"{energy:.12f}")
print("Number of atoms .... ", len(rows))
print("CARTESIAN COORDINATES (ANGSTROEM)\n---")
print("\n".join(" ".join(row) for row in rows), "\n\n")
print(f"FINAL SINGLE POINT ENERGY {Path('answer').read_text()}\nORCA TERMINATED NORMALLY")
