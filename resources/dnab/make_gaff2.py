"""Make the GAFF2 force field and the starting geometries of DNAB from its SMILES.

Steps: RDKit geometry -> antechamber (GAFF2 types, AM1-BCC charges) -> parmchk2 -> tleap -> prmtop -> ParmEd
-> OpenMM ForceField XML. Atoms keep the RDKit order of the SMILES throughout and are named by element and
zero-based index (C0, N1, C2, ...); the residue is DNB. The result is checked against the prmtop.

Needs rdkit, parmed and openmm, and the programs antechamber, parmchk2 and tleap of AmberTools.
"""

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import openmm
import parmed
from openmm import app, unit
from rdkit import Chem
from rdkit.Chem import AllChem

SMILES = {
    "E": r"CN(C)c1ccc(cc1)/N=N/c1ccc(cc1)[N+](=O)[O-]",
    "Z": r"CN(C)c1ccc(cc1)/N=N\c1ccc(cc1)[N+](=O)[O-]",
}
RESIDUE = "DNB"
SEED = 7
PROGRAMS = ("antechamber", "parmchk2", "tleap")
KCAL = 4.184  # kJ
COULOMB14, LJ14 = 1 / 1.2, 1 / 2.0  # the 1-4 scaling of the Amber force fields


def embed(smiles: str) -> Chem.Mol:
    """Molecule with hydrogens and one MMFF-optimised conformer."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    if AllChem.EmbedMolecule(mol, randomSeed=SEED) != 0:
        raise RuntimeError(f"no conformer for {smiles}")
    if AllChem.MMFFOptimizeMolecule(mol, maxIters=5000) != 0:
        raise RuntimeError(f"MMFF did not converge for {smiles}")
    return mol


def atom_names(mol: Chem.Mol) -> list[str]:
    """Element and zero-based index of every atom."""
    return [f"{atom.GetSymbol()}{atom.GetIdx()}" for atom in mol.GetAtoms()]


def write_xyz(mol: Chem.Mol, isomer: str, path: Path) -> None:
    """Write the conformer as XYZ, in Angstrom."""
    comment = f"DNAB {isomer} isomer, SMILES {SMILES[isomer]}, RDKit embedding (seed {SEED}) and MMFF94 minimum"
    rows = [
        f"{atom.GetSymbol():<2s} {x:12.6f} {y:12.6f} {z:12.6f}"
        for atom, (x, y, z) in zip(mol.GetAtoms(), mol.GetConformer().GetPositions(), strict=True)
    ]
    path.write_text("\n".join([str(len(rows)), comment, *rows]) + "\n")


def find_programs(directory: Path | None) -> dict[str, Path]:
    """Locate the AmberTools programs: in `directory`, else on PATH, else inside an installed acpype wheel."""
    places = [str(directory)] if directory else [os.environ.get("PATH", os.defpath)]
    spec = None if directory else importlib.util.find_spec("acpype")
    for root in (spec.submodule_search_locations or []) if spec else []:
        places += [str(path) for path in sorted(Path(root).glob("amber*_linux/bin"))]
    for place in places:
        found = {name: shutil.which(name, path=place) for name in PROGRAMS}
        if all(found.values()):
            return {name: Path(path).absolute() for name, path in found.items() if path}
    raise FileNotFoundError(f"{', '.join(PROGRAMS)}: not found; install AmberTools or give --antechamber-dir")


def run(command: list[str], cwd: Path, allow: tuple[int, ...] = ()) -> int:
    """Run a program in `cwd`; fail with its output unless the exit status is 0 or allowed."""
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0 and done.returncode not in allow:
        raise RuntimeError(f"{Path(command[0]).name} ended with status {done.returncode}\n{done.stdout}")
    return done.returncode


def run_tleap(tleap: Path, script: str, cwd: Path) -> None:
    """Run tleap; where its bundled libraries are incomplete (status 127), retry with those of the system.

    The acpype wheel lacks some libraries behind its libnetcdf. The program looks for them relative to itself,
    so a copy elsewhere takes the libnetcdf of the system.
    """
    if run([str(tleap), "-f", script], cwd, allow=(127,)) == 127:
        copy = shutil.copy2(tleap.with_name("teLeap"), cwd)
        leap = tleap.parent.parent / "dat" / "leap"
        run([copy, *(f"-I{leap / part}" for part in ("prep", "lib", "parm", "cmd")), "-f", script], cwd)


def rename_mol2(path: Path, names: list[str]) -> None:
    """Give the atoms of a mol2 file new names, in order."""
    head, atoms, tail = re.split(r"(?<=@<TRIPOS>ATOM\n)|(?=@<TRIPOS>BOND)", path.read_text())
    rows = [
        re.sub(r"^(\s*\d+ )\S+\s*?(?=\s*-?\d+\.)", lambda m, name=name: f"{m[1]}{name:<5s}", row)
        for row, name in zip(atoms.splitlines(), names, strict=True)
    ]
    path.write_text(head + "\n".join(rows) + "\n" + tail)


def make_prmtop(mol: Chem.Mol, programs: dict[str, Path], work: Path) -> None:
    """Write dnab.prmtop and dnab.inpcrd into `work`."""
    (work / "in.mol").write_text(Chem.MolToMolBlock(mol))
    typed = f"-i in.mol -fi mdl -o dnab.mol2 -fo mol2 -at gaff2 -c bcc -nc 0 -rn {RESIDUE} -pf y"
    missing = "-i dnab.mol2 -f mol2 -o dnab.frcmod -s gaff2"
    run([str(programs["antechamber"]), *typed.split()], work)
    rename_mol2(work / "dnab.mol2", atom_names(mol))
    run([str(programs["parmchk2"]), *missing.split()], work)
    (work / "leap.in").write_text(
        "source leaprc.gaff2\nloadAmberParams dnab.frcmod\nmol = loadMol2 dnab.mol2\n"
        "saveAmberParm mol dnab.prmtop dnab.inpcrd\nquit\n"
    )
    run_tleap(programs["tleap"], "leap.in", work)
    prmtop = work / "dnab.prmtop"
    text = re.sub(r"DATE = .*", "DATE = 01/01/00  00:00:00", prmtop.read_text())  # the same text each run
    prmtop.write_text(text.replace("3.14159400E+00", "3.14159265E+00"))  # tleap rounds pi


def check_order(mol: Chem.Mol, parm: parmed.amber.AmberParm) -> None:
    """Fail unless names, elements and bonds of the prmtop are those of the molecule, atom by atom."""
    elements = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    bonds = {frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())) for bond in mol.GetBonds()}
    if (
        [atom.name for atom in parm.atoms] != atom_names(mol)
        or [atom.element for atom in parm.atoms] != elements
        or {frozenset((bond.atom1.idx, bond.atom2.idx)) for bond in parm.bonds} != bonds
        or [residue.name for residue in parm.residues] != [RESIDUE]
    ):
        raise RuntimeError("the prmtop does not follow the atom order of the molecule")


def number(value: float) -> str:
    """Decimal form with ten digits."""
    return f"{value:.10g}"


def add_unique(parent: ET.Element, tag: str, classes: tuple[str, ...], values: dict[str, str]) -> None:
    """Add one term given by atom classes, once; fail if the same classes come with other values."""
    keys = {f"class{i}": name for i, name in enumerate(min(classes, classes[::-1]), 1)}
    for term in parent.findall(tag):
        if all(term.get(key) == name for key, name in keys.items()):
            if term.attrib != keys | values:
                raise RuntimeError(f"two sets of parameters for {'-'.join(classes)}")
            return
    ET.SubElement(parent, tag, keys | values)


def torsion_values(terms: list[parmed.Dihedral]) -> dict[str, str]:
    """The XML attributes of all Fourier terms on one quartet of atoms."""
    values = {}
    for i, kind in enumerate(sorted((term.type for term in terms), key=lambda kind: kind.per), 1):
        phase = np.radians(round(kind.phase, 3))  # a clean pi
        values |= {f"periodicity{i}": str(int(kind.per)), f"phase{i}": f"{phase:.15g}"}
        values |= {f"k{i}": number(kind.phi_k * KCAL)}
    return values


def force_field(parm: parmed.amber.AmberParm) -> ET.Element:
    """The OpenMM ForceField XML of a one-residue prmtop.

    Every atom has its own type, and its GAFF2 type is the class. All terms go by class except the impropers:
    these go by type, so that the order of their atoms is exactly that of the prmtop.
    """
    root = ET.Element("ForceField")
    info = ET.SubElement(root, "Info")
    ET.SubElement(info, "Source").text = "DNAB: GAFF2 with AM1-BCC charges; written by make_gaff2.py"
    types, residue = ET.SubElement(root, "AtomTypes"), ET.SubElement(root, "Residues")
    residue = ET.SubElement(residue, "Residue", name=RESIDUE)
    bonds, angles = ET.SubElement(root, "HarmonicBondForce"), ET.SubElement(root, "HarmonicAngleForce")
    torsions = ET.SubElement(root, "PeriodicTorsionForce", ordering="amber")
    nonbonded = ET.SubElement(root, "NonbondedForce", coulomb14scale=f"{COULOMB14:.16g}", lj14scale=f"{LJ14:.16g}")
    ET.SubElement(nonbonded, "UseAttributeFromResidue", name="charge")

    def own_type(atom: parmed.Atom) -> str:
        return f"{RESIDUE}-{atom.name}"

    for atom in parm.atoms:
        element = parmed.periodic_table.Element[atom.element]
        attributes = {
            "name": own_type(atom),
            "class": atom.type,
            "element": element,
            "mass": number(atom.mass),
        }
        ET.SubElement(types, "Type", attributes)
        ET.SubElement(residue, "Atom", name=atom.name, type=own_type(atom), charge=number(atom.charge))
        if nonbonded.find(f"Atom[@class='{atom.type}']") is None:
            values = {"sigma": number(atom.sigma / 10), "epsilon": number(atom.epsilon * KCAL)}
            ET.SubElement(nonbonded, "Atom", {"class": atom.type} | values)

    for bond in sorted(parm.bonds, key=lambda bond: sorted((bond.atom1.idx, bond.atom2.idx))):
        first, second = sorted((bond.atom1, bond.atom2), key=lambda atom: atom.idx)
        ET.SubElement(residue, "Bond", atomName1=first.name, atomName2=second.name)
        values = {"length": number(bond.type.req / 10), "k": number(bond.type.k * 2 * KCAL * 100)}
        add_unique(bonds, "Bond", (first.type, second.type), values)

    for angle in parm.angles:
        values = {"angle": f"{np.radians(angle.type.theteq):.10g}", "k": number(angle.type.k * 2 * KCAL)}
        add_unique(angles, "Angle", (angle.atom1.type, angle.atom2.type, angle.atom3.type), values)

    quartets: dict[tuple[parmed.Atom, ...], list[parmed.Dihedral]] = {}
    for term in parm.dihedrals:
        scaled = not (term.improper or term.ignore_end)
        if scaled and not np.allclose((term.type.scee, term.type.scnb), (1 / COULOMB14, 1 / LJ14)):
            raise RuntimeError("unusual 1-4 scaling")
        quartets.setdefault((term.atom1, term.atom2, term.atom3, term.atom4), []).append(term)
    for atoms, terms in quartets.items():
        if not terms[0].improper:
            add_unique(torsions, "Proper", tuple(atom.type for atom in atoms), torsion_values(terms))
    for (first, second, centre, last), terms in quartets.items():
        if terms[0].improper:  # OpenMM wants the central atom first, Amber has it third
            order = {f"type{i}": own_type(atom) for i, atom in enumerate((centre, first, second, last), 1)}
            ET.SubElement(torsions, "Improper", order | torsion_values(terms))
    return root


def topology(mol: Chem.Mol) -> app.Topology:
    """The molecule as an OpenMM topology of one residue."""
    top = app.Topology()
    residue = top.addResidue(RESIDUE, top.addChain())
    elements = [app.Element.getBySymbol(atom.GetSymbol()) for atom in mol.GetAtoms()]
    atoms = [top.addAtom(*pair, residue) for pair in zip(atom_names(mol), elements, strict=True)]
    for bond in mol.GetBonds():
        top.addBond(atoms[bond.GetBeginAtomIdx()], atoms[bond.GetEndAtomIdx()])
    return top


def evaluate(system: openmm.System, positions: np.ndarray) -> tuple[float, np.ndarray]:
    """Energy (kJ/mol) and forces (kJ/mol/nm) at positions in Angstrom."""
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(positions / 10)
    state = context.getState(energy=True, forces=True)
    forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
    return state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole), forces


def deviation(mols: list[Chem.Mol], xml: Path, prmtop: Path) -> tuple[float, float]:
    """Largest difference in energy and force, XML against prmtop, over plain and perturbed geometries."""
    options = {"nonbondedMethod": app.NoCutoff, "constraints": None, "removeCMMotion": False}
    from_xml = app.ForceField(str(xml)).createSystem(topology(mols[0]), **options)
    from_prmtop = app.AmberPrmtopFile(str(prmtop)).createSystem(**options)
    rng = np.random.default_rng(SEED)
    energy = force = 0.0
    for mol in mols:
        plain = mol.GetConformer().GetPositions()
        for width in (0.0, 0.02, 0.05, 0.1, 0.2, 0.2):
            positions = plain + rng.normal(scale=width, size=plain.shape)
            one, two = evaluate(from_xml, positions), evaluate(from_prmtop, positions)
            energy = max(energy, abs(one[0] - two[0]))
            force = max(force, float(np.abs(one[1] - two[1]).max()))
    return energy, force


def main() -> None:
    """Command line."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--antechamber-dir", type=Path, help="folder with antechamber, parmchk2 and tleap")
    parser.add_argument("--output-dir", type=Path, default=here, help="where to write (default: beside this)")
    args = parser.parse_args()
    programs = find_programs(args.antechamber_dir)
    out: Path = args.output_dir
    out.mkdir(parents=True, exist_ok=True)
    mols = {isomer: embed(smiles) for isomer, smiles in SMILES.items()}
    for isomer, mol in mols.items():
        write_xyz(mol, isomer, out / f"dnab_{isomer}.xyz")
    with tempfile.TemporaryDirectory() as work:
        make_prmtop(mols["E"], programs, Path(work))
        for name in ("dnab.prmtop", "dnab.inpcrd"):
            shutil.copy(Path(work) / name, out / name)
    parm = parmed.load_file(str(out / "dnab.prmtop"))
    check_order(mols["E"], parm)
    root = force_field(parm)
    ET.indent(root, " ")
    (out / "gaff2.xml").write_text(ET.tostring(root, encoding="unicode") + "\n")
    energy, force = deviation(list(mols.values()), out / "gaff2.xml", out / "dnab.prmtop")
    print(f"XML against prmtop, largest difference: energy {energy:.1e} kJ/mol, force {force:.1e} kJ/mol/nm")
    if energy > 1e-4 or force > 1e-3:
        raise SystemExit("gaff2.xml does not reproduce the prmtop")


if __name__ == "__main__":
    main()
