"""ASE calculators: what a config may name, what their programs are told of the molecule, and whose files they read."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import re
import sys
from pathlib import Path

import ase.config
import numpy as np
import pytest
import yaml
from ase.calculators.calculator import all_changes
from typer.testing import CliRunner

from separatrix import potentials
from separatrix.cli.main import app
from separatrix.config.load import load
from separatrix.core.errors import ConfigError, PotentialError, SeparatrixError
from separatrix.core.molecule import Molecule
from separatrix.core.units import BOHR, HARTREE
from separatrix.core.yaml_file import read_yaml
from separatrix.potentials.ase_classes import CALCULATORS, PROGRAMS
from separatrix.potentials.engines.ase import AseEngine, with_charge
from separatrix.potentials.trust import VARIABLE

ORCA = "ase.calculators.orca.ORCA"
OH = Molecule(("O", "H"), ((0, 1),), charge=-1)
N2 = Molecule(("N", "N"), ((0, 1),))
METHYL = Molecule(("C", "H", "H", "H"), (), multiplicity=2)
DIANION = Molecule(("O", "O"), ((0, 1),), charge=-2)


@pytest.fixture(autouse=True)
def _nobody_allows_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def orca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person who trusts, and has a program in the place of ORCA; the folder to stand in."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/orca"
    program.write_text(f"#!{sys.executable}\n" + Path("tests/data/fake_orca.py").read_text())
    program.chmod(0o755)
    (tmp_path / "ase.ini").write_text("[orca]\ncommand = bin/orca\n")  # from where one stands
    monkeypatch.setenv("ASE_CONFIG_PATH", "ase.ini")
    monkeypatch.setenv(VARIABLE, ORCA)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ase.config.cfg, "parser", ase.config.Config.read().parser)  # ASE read it as it was imported
    return tmp_path


# What a config may name ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"calculator": "ase.calculators.dmol.DMol3", "arguments": {"command": "touch {file}"}},
        {"calculator": ORCA, "arguments": {"orcasimpleinput": "B3LYP"}},
        {"calculator": "ase.calculators.gaussian.Gaussian", "arguments": {"method": "External=touch"}},
        {"calculator": "ase.calculators.turbomole.Turbomole"},
        {"calculator": "ase.calculators.lammpslib.LAMMPSlib", "arguments": {"lmpcmds": ["shell touch {file}"]}},
        {"calculator": "ase.calculators.subprocesscalculator.PythonSubProcessCalculator"},
        {"calculator": "ase.calculators.socketio.SocketIOCalculator"},
        {"calculator": "mace.calculators.MACECalculator", "arguments": {"model_paths": "{file}"}},
        {"calculator": "torch.load", "arguments": {"f": "{file}"}},
        {"calculator": "os.system", "arguments": {"command": "touch {file}"}},
        {"calculator": "subprocess.Popen", "arguments": {"args": ["touch", "{file}"]}},
        {"calculator": "separatrix.potentials.engines.ase.AseEngine"},
        {"calculator": "tblite.ase.TBlite"},
        {"calculator": "ase.calculators.emt.FileIOCalculator", "arguments": {"command": "touch {file}"}},
    ],
)
def test_what_may_act_is_refused_before_it_is_imported(tmp_path, options) -> None:
    file = tmp_path / "touched"
    arguments = yaml.safe_load(yaml.safe_dump(options).replace("{file}", str(file)))
    before = set(sys.modules)
    with pytest.raises(ConfigError, match=f"which a config may not do by itself: .*{VARIABLE}=") as caught:
        potentials.check_options("ase", arguments)
    assert options["calculator"] in str(caught.value) and str(caught.value).isprintable()
    with pytest.raises(ConfigError):
        potentials.build("ase", N2, arguments)
    with pytest.raises(ConfigError):
        AseEngine(N2, arguments)  # whoever comes by another way
    assert set(sys.modules) == before and not file.exists()


@pytest.mark.parametrize(
    "path",
    ["", "EMT", "ase..emt", "os.system('x')", "ase.calculators.emt.EMT\n", "a.b;c", "..x", "ase.calculators.émt"],
)
def test_what_is_no_dotted_path_is_refused_even_by_those_who_trust(monkeypatch, path) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(ConfigError, match=r"^calculator: ") as caught:
        potentials.check_options("ase", {"calculator": path})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("path", "arguments", "message"),
    [
        ("tblite.ase.TBLite", {"metod": "GFN2-xTB"}, "^arguments.metod: .* takes no such .*did you mean 'method'"),
        ("tblite.ase.TBLite", {"method": "GFN3"}, "^arguments.method: 'GFN3' is not one of"),
        ("tblite.ase.TBLite", {"accuracy": "high"}, "^arguments.accuracy: 'high' is not a"),
        ("tblite.ase.TBLite", {"restart": "x"}, "^arguments.restart: .* takes no such argument"),
        ("tblite.ase.TBLite", {"directory": "/tmp"}, "^arguments.directory: .* takes no such argument"),
        ("ase.calculators.lj.LennardJones", {"epsilon": [1]}, "^arguments.epsilon: "),
        ("aimnet.calculators.AIMNet2ASE", {"base_calc": "./my.pt"}, "^arguments.base_calc: './my.pt' is not one of"),
    ],
)
def test_arguments_of_what_may_be_named(path, arguments, message) -> None:
    with pytest.raises(ConfigError, match=message):
        potentials.check_options("ase", {"calculator": path, "arguments": arguments})


@pytest.mark.parametrize("word", ["1", f"something.Else, {ORCA}", "1,x"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"command": "touch x"}, "^arguments.command: what a calculator starts is not for a config to say"),
        ({"profile": {"command": "touch x"}}, "^arguments.profile: what a calculator starts"),
        ({"castep_command": "touch x"}, "^arguments.castep_command: what"),
        ({"amber_exe": "touch x"}, "^arguments.amber_exe: what"),
        ({"COMMAND": "touch x"}, "^arguments.COMMAND: what"),
        ({"directory": "/tmp"}, "^arguments.directory: the calculator has a folder of its own"),
        ({"label": "../x"}, "^arguments.label: the calculator has a folder of its own"),
        ({"userscr": "/tmp"}, "^arguments.userscr: the calculator has a folder of its own"),
        ({"a": {1: 2}}, "^arguments.a: the key 1 is no text"),
        ({"a": [__import__("datetime").date(2026, 1, 1)]}, "^arguments.a.0: .* is neither a number"),
    ],
)
def test_what_a_trusted_config_may_not_say_either(monkeypatch, word, arguments, message) -> None:
    monkeypatch.setenv(VARIABLE, word)
    with pytest.raises(ConfigError, match=message):
        potentials.check_options("ase", {"calculator": ORCA, "arguments": arguments})


def test_a_word_for_one_class_is_none_for_another(monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "ase.calculators.gaussian.Gaussian")
    potentials.check_options("ase", {"calculator": "ase.calculators.gaussian.Gaussian"})
    with pytest.raises(ConfigError, match=f"{VARIABLE}={ORCA}"):
        potentials.check_options("ase", {"calculator": ORCA})
    for nothing in ("", "0", "yes", "true"):
        monkeypatch.setenv(VARIABLE, nothing)
        with pytest.raises(ConfigError):
            potentials.check_options("ase", {"calculator": ORCA})


@pytest.mark.parametrize("path", ["os.system", "subprocess.Popen", "builtins.print", "ase.build.molecule"])
def test_a_general_word_calls_no_function(monkeypatch, tmp_path, path) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(ConfigError, match="has no ASE calculator"):
        AseEngine(N2, {"calculator": path, "arguments": {"name": str(tmp_path)}})


def test_a_function_that_makes_a_calculator_can_be_allowed_by_name(monkeypatch, tmp_path) -> None:
    (tmp_path / "mine.py").write_text(
        "from ase.calculators.lj import LennardJones\n"
        "def make(size): return LennardJones(sigma=size)\n"
        "def wrong(): return 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "mine.make,mine.wrong")
    potential = potentials.build("ase", N2, {"calculator": "mine.make", "arguments": {"size": 2.0}})
    with contextlib.closing(potential.seam.engine):
        energy, _ = potential.energy_and_gradient(np.array([[0.0, 0, 0], [0.2, 0, 0]]))
        assert abs(energy) < 1.0  # at r = sigma
    with pytest.raises(ConfigError, match="made a int, which is no ASE calculator"):
        potentials.build("ase", N2, {"calculator": "mine.wrong"})


def _config(folder: Path, potential: str, options: dict) -> Path:
    data = {
        "system": "config/systems/hcn.yaml",
        "methods": {
            "q": {
                "potential": potential,
                "options": options,
                "dynamics": {"time_step_fs": 0.5, "shift_fs": 2, "longest_half_fs": 400},
            }
        },
    }
    path = folder / "c.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def test_the_command_of_a_config_is_not_run_and_check_says_why(tmp_path) -> None:
    """Loading is enough to be told, for `check`, for `check --quick` and for Snakemake."""
    options = {"calculator": "ase.calculators.dmol.DMol3", "arguments": {"command": f"touch {tmp_path}/touched"}}
    path = _config(tmp_path, "ase", options)
    with pytest.raises(
        ConfigError, match=r"c.yaml: methods.q.options.calculator: ase.calculators.dmol.DMol3 may start"
    ):
        load(read_yaml(path), [path])
    for more in ([], ["--quick"], ["--allow-programs"]):
        result = CliRunner(env={VARIABLE: ""}).invoke(app, ["check", str(path), *more])
        assert isinstance(result.exception, SeparatrixError)
    assert not (tmp_path / "touched").exists()


def test_check_says_what_a_person_has_allowed(orca, root) -> None:
    path = _config(orca, "ase", {"calculator": ORCA, "arguments": {"orcasimpleinput": "x"}})
    for name in ("config", "resources"):
        (orca / name).symlink_to(root / name)
    before = sorted(p.name for p in orca.iterdir())
    result = CliRunner().invoke(app, ["check", str(path)])
    assert f"methods.q.options.calculator: {ORCA} may start programs and run code, as you have allowed" in result.output
    assert sorted(p.name for p in orca.iterdir()) == before  # nothing is left where one stands


# Other doors ----------------------------------------------------------------------------------------------------


def _force_field(inner: str, nonbonded: str = "") -> str:
    return f"<ForceField>{inner}<NonbondedForce coulomb14scale='0.8' lj14scale='0.5'{nonbonded}/></ForceField>"


@pytest.mark.parametrize(
    "text",
    [
        _force_field("<Script>open('{file}', 'w')</Script>"),
        _force_field("<InitializationScript>open('{file}', 'w')</InitializationScript>"),
        _force_field("", " useDispersionCorrection=\"open('{file}', 'w')\""),
        _force_field("<Include file='inner.dat'/>"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_code_in_a_force_field_is_not_run(tmp_path, monkeypatch, text, encoding) -> None:
    """OpenMM would run it as it reads the file; here the file is looked into with OpenMM's own parser."""
    file = tmp_path / "touched"
    head = f"<?xml version='1.0' encoding='{encoding}'?>"
    (tmp_path / "f.xml").write_text(head + text.replace("{file}", str(file)), encoding=encoding)
    (tmp_path / "inner.dat").write_text(
        _force_field(f"<InitializationScript>open('{file}', 'w')</InitializationScript>")
    )
    options = {"file": str(tmp_path / "f.xml")}
    with pytest.raises(ConfigError, match=f"^file: .*runs Python code .*{VARIABLE}=forcefield"):
        potentials.build("forcefield", N2, options)
    assert not file.exists()
    # And there is something to refuse: whoever allows it gets it run.
    monkeypatch.setenv(VARIABLE, "forcefield")
    with contextlib.suppress(ConfigError):
        potentials.build("forcefield", N2, options)
    assert file.exists() or "<Script>" in text  # such a one runs when a System is made


def test_openmm_runs_code_where_it_did() -> None:
    """Whoever takes a newer OpenMM sees here that it has another place that runs what a file holds."""
    import ast
    import inspect
    from collections import Counter

    from openmm.app import forcefield

    calls = (node.func for node in ast.walk(ast.parse(inspect.getsource(forcefield))) if isinstance(node, ast.Call))
    names = Counter(call.id for call in calls if isinstance(call, ast.Name))
    assert {name: names[name] for name in ("exec", "eval", "compile", "__import__")} == {
        "exec": 2,
        "eval": 2,
        "compile": 0,
        "__import__": 0,
    }


def test_a_library_is_loaded_for_those_alone_who_name_it(tmp_path) -> None:
    options = {"method": "GFN1-xTB", "library": str(tmp_path / "evil.so")}
    with pytest.raises(ConfigError, match=rf"^library: .*{VARIABLE}=dftbplus.*DFTBPLUS_LIB"):
        potentials.check_options("dftbplus", options)


def test_a_path_does_not_go_on_as_input_of_dftbplus() -> None:
    with pytest.raises(ConfigError, match=r"^slater_koster_directory: .* holds a character"):
        potentials.check_options("dftbplus", {"method": "DFTB2", "slater_koster_directory": '/x"\n}\nDriver {'})


# Whose files they read ------------------------------------------------------------------------------------------


def _springs(x: np.ndarray, molecule: Molecule) -> float:
    """Energy of the stand-in, kJ/mol."""
    return HARTREE * (0.5 * ((x / BOHR) ** 2).sum() + 1000 * molecule.charge + molecule.multiplicity)


def _many(seed: int, direct: bool) -> list[float]:
    """Errors of the answers of one of several processes in one folder, kJ/mol and kJ/mol/nm."""
    options = {"calculator": ORCA, "arguments": {"orcasimpleinput": "x"}}
    engine = AseEngine(N2, options) if direct else potentials.build("ase", N2, options).seam.engine
    errors, rng = [], np.random.default_rng(seed)
    for _ in range(8):
        x = rng.normal(0.0, 0.1, (2, 3))
        energy, gradient = engine.gradient(x)
        errors += [abs(energy - _springs(x, N2)), np.abs(gradient - HARTREE / BOHR**2 * x).max()]
    return errors


@pytest.mark.parametrize("direct", [False, True])
def test_two_at_once_never_read_each_others_answers(orca, direct) -> None:
    before = sorted(p.name for p in orca.iterdir())
    # ASE reads its configuration as it is imported, so that these are to be new processes.
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        errors = [e for found in pool.map(_many, range(2), [direct] * 2) for e in found]
    assert len(errors) == 32 and max(errors) < 1e-3
    assert sorted(p.name for p in orca.iterdir()) == before


def test_a_program_runs_in_a_process_of_its_own_whatever_the_config_says(orca) -> None:
    options = {"calculator": ORCA, "arguments": {"orcasimpleinput": "x"}, "worker": False}
    potential = potentials.build("ase", N2, options)
    with contextlib.closing(potential.seam.engine):
        assert "in a process of its own" in potential.description


def test_a_program_that_fails_is_quoted_and_the_next_answer_is_right(orca) -> None:
    engine = AseEngine(N2, {"calculator": ORCA, "arguments": {"orcasimpleinput": "fail"}})
    with pytest.raises(PotentialError, match=r"^ORCA: .*status 1.*orca.out ends with: at all$") as caught:
        engine.gradient(np.eye(2, 3))
    assert str(caught.value).isprintable()
    engine._arguments["orcasimpleinput"] = "x"
    engine.restore()
    assert engine.gradient(np.eye(2, 3))[0] == pytest.approx(_springs(np.eye(2, 3), N2))


def test_a_program_that_leaves_the_last_answer_gives_none(orca) -> None:
    """Without a word it ends well and writes nothing; ASE then reads what lies there of the geometry before."""
    engine = AseEngine(N2, {"calculator": ORCA, "arguments": {"orcasimpleinput": "stale"}})
    engine.gradient(np.eye(2, 3))
    with pytest.raises(PotentialError, match="the same energy and forces as for the geometry before"):
        engine.gradient(np.eye(2, 3) * 1.1)


def test_to_forget_leaves_no_file(orca) -> None:
    engine = AseEngine(N2, {"calculator": ORCA, "arguments": {"orcasimpleinput": "stale"}})
    engine.gradient(np.eye(2, 3))
    assert list(Path(engine._folder.name).iterdir())
    engine.restore()
    assert not list(Path(engine._folder.name).iterdir())
    assert engine.gradient(np.eye(2, 3) * 1.1)[0] == pytest.approx(_springs(np.eye(2, 3) * 1.1, N2))


@pytest.mark.parametrize(
    ("path", "words"),
    [(ORCA, "BadConfiguration: No configuration of 'orca'"), ("ase.calculators.cp2k.CP2K", ".")],
)
def test_a_program_that_is_nowhere_is_one_line(monkeypatch, tmp_path, path, words) -> None:
    (tmp_path / "none.ini").touch()
    monkeypatch.setenv("ASE_CONFIG_PATH", str(tmp_path / "none.ini"))
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(ConfigError, match=f"^arguments: {path}: .*{words}.*does ASE's configuration name") as caught:
        potentials.build("ase", N2, {"calculator": path})
    assert str(caught.value).isprintable()


# Charge and multiplicity ----------------------------------------------------------------------------------------

#: What the input of each program says of OH-, of the methyl radical, and of neutral N2.
INPUTS = {
    "ase.calculators.aims.Aims": ("charge *-1", None, "charge *0"),
    "ase.calculators.cp2k.CP2K": ("CHARGE -1", "MULTIPLICITY 2", "MULTIPLICITY 1"),
    "ase.calculators.dftb.Dftb": (r"Charge = -1", None, "Charge = 0"),
    "ase.calculators.gamess_us.GAMESSUS": ("ICHARG=-1", "MULT=2", "ICHARG=0"),
    "ase.calculators.gaussian.Gaussian": ("\n-1 1\n", "\n0 2\n", "\n0 1\n"),
    "ase.calculators.mopac.MOPAC": ("CHARGE=-1", "DOUBLET UHF", "PM7"),
    "ase.calculators.nwchem.NWChem": ("charge -1", r"(nopen 1|mult 2)", "charge 0"),
    "ase.calculators.orca.ORCA": (r"\*xyz -1 1", r"\*xyz 0 2", r"\*xyz 0 1"),
    "ase.calculators.qchem.QChem": ("\n *-1 1\n", "\n *0 2\n", "\n *0 1\n"),
}


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs that ASE thinks it can start."""
    monkeypatch.setenv(VARIABLE, "1")
    parser = ase.config.Config().parser
    for name in ("aims", "cp2k", "dftb", "gamess_us", "gaussian", "mopac", "nwchem", "orca", "qchem"):
        parser[name] = {"command": "true", "default_species_directory": str(tmp_path)}
    monkeypatch.setattr(ase.config.cfg, "parser", parser)


def _input(path: str, molecule: Molecule, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a calculator would give its program to read."""
    import ase.calculators.cp2k

    # CP2K is started as the calculator is made; its input is made without.
    monkeypatch.setattr(ase.calculators.cp2k, "Cp2kShell", lambda command, debug: None)
    monkeypatch.setattr(ase.calculators.cp2k.CP2K, "__del__", lambda self: None)
    arguments = {"xc": "LDA"} if path.endswith("Aims") else {}
    if path.endswith("Dftb"):
        momenta = "Hamiltonian_MaxAngularMomentum_"
        arguments = {momenta: "", **{f"{momenta}{symbol}": "p" for symbol in molecule.symbols}}
    engine = AseEngine(molecule, {"calculator": path, "arguments": arguments})
    engine._atoms.set_positions(np.arange(3.0 * molecule.n_atoms).reshape(-1, 3))
    calculator = engine._atoms.calc
    with engine._in_folder():
        if path.endswith("CP2K"):
            calculator.atoms = engine._atoms
            return calculator._generate_input()
        if path.endswith("Aims"):
            from ase.io.aims import write_control

            for name in ("01_H", "07_N", "08_O"):
                Path(f"{name}_default").touch()
            with Path("control.in").open("w") as file:
                write_control(file, engine._atoms, dict(calculator.parameters) | {"species_dir": str(Path.cwd())})
        elif hasattr(calculator, "write_inputfiles"):
            calculator.write_inputfiles(engine._atoms, ["energy", "forces"])
        elif path.endswith("Dftb"):
            calculator.atoms = engine._atoms
            with Path("dftb_in.hsd").open("w") as file:
                calculator.write_dftb_in(file)
        else:
            calculator.write_input(engine._atoms, ["energy", "forces"], all_changes)
        return "\n".join(p.read_text() for p in Path().iterdir() if p.is_file())


@pytest.mark.parametrize("path", list(INPUTS))
@pytest.mark.parametrize("which", [0, 1, 2])
def test_programs_are_told_charge_and_multiplicity(programs, monkeypatch, path, which) -> None:
    molecule = (OH, METHYL, N2)[which]
    wanted = INPUTS[path][which]
    if wanted is None:
        with pytest.raises(ConfigError, match=r"^multiplicity: the system has 2, and calculator .* takes no"):
            AseEngine(molecule, {"calculator": path})
        return
    text = _input(path, molecule, monkeypatch)
    assert re.search(wanted, text), text


def test_every_program_that_is_said_to_take_a_charge_was_asked() -> None:
    assert set(PROGRAMS) - set(INPUTS) == {"ase.calculators.psi4.Psi4"}  # a library that has to be there


@pytest.mark.parametrize("path", [p for p, known in CALCULATORS.items() if known.takes.charge is None])
def test_a_class_without_charge_is_for_neutral_molecules(path) -> None:
    with pytest.raises(ConfigError, match=f"^charge: the system has -1, and calculator {path} takes no charge"):
        potentials.build("ase", OH, {"calculator": path})


@pytest.mark.parametrize("path", [p for p, known in CALCULATORS.items() if known.takes.multiplicity is None])
def test_a_class_without_multiplicity_is_for_singlets(path) -> None:
    with pytest.raises(ConfigError, match=f"^multiplicity: the system has 2, and calculator {path} takes no"):
        potentials.build("ase", METHYL, {"calculator": path})


@pytest.mark.parametrize(
    ("path", "arguments", "molecule", "message"),
    [
        ("tblite.ase.TBLite", {"charge": 0}, OH, "^arguments.charge: 0 contradicts the system, whose charge is -1"),
        ("tblite.ase.TBLite", {"charge": -1}, N2, "^arguments.charge: -1 contradicts"),
        ("tblite.ase.TBLite", {"multiplicity": 3}, N2, "^arguments.multiplicity: 3 contradicts .* multiplicity is 1"),
        (ORCA, {"mult": 3}, N2, "^arguments.mult: 3 contradicts"),
        (ORCA, {"CHARGE": 1}, N2, "^arguments.CHARGE: 1 contradicts"),
        (
            "ase.calculators.gamess_us.GAMESSUS",
            {"contrl": {"ICHARG": 1}},
            N2,
            "^arguments.contrl.ICHARG: 1 contradicts",
        ),
        ("ase.calculators.nwchem.NWChem", {"dft": {"mult": 3}}, N2, "^arguments.dft.mult: 3 contradicts"),
        ("ase.calculators.dftb.Dftb", {"Hamiltonian_Charge": 0}, OH, "^arguments.Hamiltonian_Charge: 0 contradicts"),
        ("ase.calculators.vasp.Vasp", {"charge": 1}, N2, "^arguments.charge: 1 contradicts"),
    ],
)
def test_an_argument_that_contradicts_the_system_is_an_error(path, arguments, molecule, message) -> None:
    with pytest.raises(ConfigError, match=message):
        with_charge(molecule, path, object, arguments)


def test_an_argument_that_agrees_is_none() -> None:
    assert with_charge(OH, ORCA, None, {"charge": -1, "mult": 1}) == {"charge": -1, "mult": 1}
    assert with_charge(DIANION, "ase.calculators.gamess_us.GAMESSUS", None, {"contrl": {"ICHARG": -2}}) == {
        "contrl": {"ICHARG": -2, "mult": 1}
    }


def test_a_class_of_ones_own_takes_a_charge_by_the_names_of_its_arguments() -> None:
    class Mine:
        def __init__(self, charge: int = 0) -> None: ...

    class Theirs:
        default_parameters = {"charge": None, "multiplicity": None}  # noqa: RUF012

    assert with_charge(OH, "my.Mine", Mine, {}) == {"charge": -1}
    with pytest.raises(ConfigError, match=r"^multiplicity: the system has 2, and calculator my.Mine takes no"):
        with_charge(METHYL, "my.Mine", Mine, {})
    assert with_charge(METHYL, "my.Theirs", Theirs, {}) == {"charge": 0, "multiplicity": 2}
    with pytest.raises(ConfigError, match=r"^charge: the system has -1"):
        with_charge(OH, "my.Other", object, {})


def test_a_config_is_told_as_it_is_read(tmp_path) -> None:
    options = {"calculator": "tblite.ase.TBLite", "arguments": {"method": "GFN1-xTB", "charge": -2}}
    path = _config(tmp_path, "ase", options)
    with pytest.raises(ConfigError, match=r"c.yaml: methods.q.options.arguments.charge: -2 contradicts the system"):
        load(read_yaml(path), [path])


def test_the_charge_reaches_tblite_as_it_does_without_ase() -> None:
    x = np.array([[0.0, 0, 0], [0.098, 0, 0]])
    arguments = {"method": "GFN2-xTB", "verbosity": 0}
    through = potentials.build("ase", OH, {"calculator": "tblite.ase.TBLite", "arguments": arguments})
    direct = potentials.build("tblite", OH, {"method": "GFN2-xTB"})
    assert through.energy_and_gradient(x)[0] == pytest.approx(direct.energy_and_gradient(x)[0], abs=1e-3)
    y = np.array([[0.0, 0, 0], [0.108, 0, 0], [-0.054, 0.0935, 0], [-0.054, -0.0935, 0]])
    through = potentials.build("ase", METHYL, {"calculator": "tblite.ase.TBLite", "arguments": arguments})
    direct = potentials.build("tblite", METHYL, {"method": "GFN2-xTB"})
    assert through.energy_and_gradient(y)[0] == pytest.approx(direct.energy_and_gradient(y)[0], abs=1e-3)
