"""ANI neural-network potentials of TorchANI as an ASE calculator that a config can name.

TorchANI's own calculator wants a model object; this one wants a name. The weights of ANI-1x come inside the package
`torchani` 2.2.4 (whose index of them is empty, so that its own loader looks for them on the network); those of ANI-1ccx
and ANI-2x it downloads once, on their first use, into its own folder or `~/.local/torchani`.

ANI describes neutral closed-shell molecules of H, C, N, O (ANI-2x: also F, S, Cl) in the gas phase.
"""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # cuaev, pkg_resources
    import torchani
import torchani.ase
import torchani.neurochem
from ase import Atoms

from separatrix.core.errors import ConfigError

MODELS = {"ANI1x": "ani-1x_8x", "ANI1ccx": "ani-1ccx_8x", "ANI2x": "ani-2x_8x"}


@functools.cache
def _model(name: str) -> torch.nn.Module:
    """The ensemble of eight networks in double precision; one copy per process, for it keeps nothing between calls."""
    if name not in MODELS:
        raise ConfigError(f"model: {name!r} is not one of {', '.join(MODELS)}")
    for root in (Path(torchani.__file__).parent / "resources", Path("~/.local/torchani").expanduser()):
        folder = root / MODELS[name]
        networks = list(folder.glob("train*/networks/ANN-H.nnf"))
        if networks and all(n.stat().st_size for n in networks):
            return _read(folder, len(networks)).double()
    try:
        return getattr(torchani.models, name)(periodic_table_index=True).double()
    except OSError as error:
        raise ConfigError(
            f"model: the weights of {name} are not in the package torchani and cannot be downloaded"
            f" ({type(error).__name__}); use ANI1x, or load {name} once where github.com can be reached"
        ) from error


def _read(folder: Path, size: int) -> torch.nn.Module:
    constants = torchani.neurochem.Constants(str(next(folder.glob("*.params"))))
    shifter, atomic = torchani.neurochem.load_sae(str(folder / "sae_linfit.dat"), return_dict=True)
    return torchani.models.BuiltinEnsemble(
        torchani.nn.SpeciesConverter(constants.species),
        torchani.AEVComputer(**constants),
        torchani.neurochem.load_model_ensemble(constants.species, str(folder / "train"), size),
        shifter,
        constants.species_to_tensor,
        constants,
        atomic,
        True,
    )


class ANI(torchani.ase.Calculator):
    """An ANI model by its name: `ANI1x`, `ANI1ccx` or `ANI2x`.

    Raises
    ------
    ConfigError
        When there is no such model, its weights cannot be had, or it does not describe the molecule.
    """

    def __init__(self, model: str = "ANI1x") -> None:
        network = _model(model)
        super().__init__(network.species, network)
        self._name = model

    def set_atoms(self, atoms: Atoms) -> None:
        """Called by ASE when the calculator is given to a molecule: the place to refuse it."""
        if atoms.info.get("charge", 0) or atoms.info.get("spin", 1) != 1:
            raise ConfigError(
                f"charge, multiplicity: {self._name} describes neutral singlets only; set them to 0 and 1"
            )
        unknown = sorted({*atoms.symbols} - {*self.model.species})
        if unknown:
            raise ConfigError(
                f"model: {self._name} does not know {', '.join(unknown)} (it knows {', '.join(self.model.species)})"
            )
