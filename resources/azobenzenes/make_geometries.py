"""Make starting geometries of 4-X-azobenzenes, E and Z, with RDKit.

    python resources/azobenzenes/make_geometries.py

writes `NAME_E.xyz` and `NAME_Z.xyz` of every molecule beside this file: an embedding with a fixed seed, relaxed with
MMFF94. The workflow relaxes them again on each method. Atoms stand in the order of the SMILES, which is such that C5,
N6, N7 and C8 (zero-based) are C-N=N-C in all of them, with the substituted ring on the side of C8. Needs rdkit.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import AllChem

#: SMILES of the substituent on C11, para to the azo group
SUBSTITUENTS = {
    "NMe2": "N(C)C",
    "OMe": "OC",
    "H": "[H]",
    "Cl": "Cl",
    "CN": "C#N",
    "NO2": "[N+](=O)[O-]",
}
SMILES = {"E": r"c1ccccc1/N=N/c1ccc(cc1){}", "Z": r"c1ccccc1/N=N\c1ccc(cc1){}"}
AZO = {5: "C", 6: "N", 7: "N", 8: "C"}
SEED = 7


def geometry(smiles: str) -> Chem.Mol:
    """Molecule with hydrogens and one conformer, relaxed with MMFF94."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    if any(mol.GetAtomWithIdx(i).GetSymbol() != symbol for i, symbol in AZO.items()):
        raise RuntimeError(f"{smiles}: C-N=N-C are not atoms 5 to 8")
    if AllChem.EmbedMolecule(mol, randomSeed=SEED) != 0:
        raise RuntimeError(f"{smiles}: no conformer")
    if AllChem.MMFFOptimizeMolecule(mol, maxIters=5000) != 0:
        raise RuntimeError(f"{smiles}: MMFF94 did not converge")
    return mol


def main(folder: Path) -> None:
    """Write all geometries."""
    for name, substituent in SUBSTITUENTS.items():
        for isomer, pattern in SMILES.items():
            smiles = pattern.format(substituent)
            mol = geometry(smiles)
            comment = f"4-X-azobenzene, X = {name}, {isomer}: SMILES {smiles}, RDKit embedding (seed {SEED}), MMFF94"
            rows = [
                f"{atom.GetSymbol():<2s} {x:12.6f} {y:12.6f} {z:12.6f}"
                for atom, (x, y, z) in zip(mol.GetAtoms(), mol.GetConformer().GetPositions(), strict=True)
            ]
            (folder / f"{name}_{isomer}.xyz").write_text("\n".join([str(len(rows)), comment, *rows]) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the XYZ files")
    main(parser.parse_args().out)
