"""A checked configuration, and what each stage of the workflow depends on in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from separatrix import potentials
from separatrix.config.methods import Method, build_method
from separatrix.config.system import System, build_system
from separatrix.config.variations import Variation, quantity_of

CHOICE = ("model", "observations", "max_variables", "search", "criterion", "inertial")
"""Keys of `coordinate` that decide which variables are chosen, and which coefficients they get."""


#: Stages that compute rates.
RATES = (
    "harmonic",
    "umbrella",
    "free_energy",
    "transmission",
    "interface_pilot",
    "interface_chain",
    "interface_rate",
    "rates",
)

#: Those that place something along a coordinate, which may be one of variables that the config names.
ALONG_COORDINATE = ("umbrella", "free_energy", "interface_pilot", "interface_chain")


@dataclass(frozen=True)
class Config:
    """A checked configuration: the data, and what each stage of the workflow needs of it."""

    data: Mapping[str, Any]
    system_data: Mapping[str, Any]
    system: System
    methods: Mapping[str, Method]
    variations: Mapping[str, Variation] = field(default_factory=dict)

    def surface_of(self, method: str) -> str:
        """Method whose minima, saddles and free energy a method takes: its own, or those of what it varies."""
        variation = self.variations.get(method)
        return variation.of if variation is not None and variation.keeps_the_surface else method

    def scan(self, name: str) -> dict[str, Any]:
        """What the figures of a scan show: its setting, the methods that are varied, and all members with their values.

        A method that is varied is a member itself, with its own value, unless the scan gives that value again.
        """
        spec = self.data["scans"][name]
        key = spec["setting"].partition(".")[2]
        members = []
        for parent in spec["methods"]:
            own = self._own(parent, spec["setting"])
            label = self.methods[parent].label
            if own not in spec["values"]:
                members.append({"method": parent, "of": label, "value": own})
            members += [
                {"method": Variation(name, parent, spec["setting"], value).name, "of": label, "value": value}
                for value in spec["values"]
            ]
        quantity, unit = quantity_of(key)
        return {
            "name": name,
            "setting": spec["setting"],
            "quantity": f"{quantity} ({unit.strip()})" if unit else quantity,
            "parents": {parent: self.methods[parent].label for parent in spec["methods"]},
            "members": members,
        }

    def _own(self, method: str, setting: str) -> Any:
        """Value of a setting in a method; where it gives none, what the engine takes, or `default` if nobody says."""
        spec = self.data["methods"][method]
        part, _, key = setting.partition(".")
        if key in spec[part]:
            return spec[part][key]
        if part == "dynamics":  # of its keys the frame alone may be absent
            return spec["dynamics"]["time_step_fs"]
        default = potentials.options_of(spec["potential"])[key].default
        return "default" if default is None else default

    def draws(self) -> dict[str, tuple[int, int]]:
        """Sets of committor shots to make: at most how many configurations, and shots from each."""
        rules = self.data["committor"]
        sizes = {"separatrix": rules} | {name: rules[name] for name in ("naive", "calibration", "path")}
        found = {name: (part["configurations"], part["shots_per_configuration"]) for name, part in sizes.items()}
        if "map" in rules:
            found["map"] = (rules["map"]["bins"] ** 2, rules["map"]["shots_per_configuration"])
        return {name: sizes for name, sizes in found.items() if sizes[0]}

    def source(self, draw: str) -> str:
        """Where a set of committor shots has its configurations from.

        A path is a path, and calibration and map look beyond the separatrix, where the other sources have nothing; and
        the ensemble held at r = 0 is that of the found coordinate, not of the naive one.
        """
        source = self.data["committor"]["source"]
        fits = draw == "separatrix" or (draw == "naive" and source == "shooting points")
        return source if fits else "paths"

    def _committor(self, stage: str, draw: str | None) -> dict[str, Any]:
        """What a committor stage depends on, of all that the config says of committors."""
        rules, sizes = self.data["committor"], self.draws()
        naive, pair = rules["naive"]["variables"], rules.get("map", {}).get("variables", [])
        if stage == "restrained":
            return {"tolerance": rules["tolerance"], "restraint": rules["restraint"]}
        if stage == "committor_shots":
            return {"shots": sizes[draw][1], "batches": rules["batches"], "adaptive": rules.get("adaptive")}
        if stage == "committor":
            return {"shots": {name: size[1] for name, size in sizes.items()}, "naive": naive, "map": pair}
        found: dict[str, Any] = {"source": self.source(draw), "n": sizes[draw][0]}
        if draw in ("separatrix", "naive"):
            found["tolerance"] = rules["tolerance"]
        if draw == "naive":
            found["naive"] = naive
        if draw == "map":
            found |= {"map": pair, "bins": rules["map"]["bins"]}
        return found

    def _rates(self, stage: str) -> dict[str, Any]:
        """What a rates stage depends on, of all that the config says of rates."""
        rules = self.data["rates"]
        windows = {key: value for key, value in rules["umbrella"].items() if key != "methods"}
        if stage == "harmonic":
            temperatures = sorted({float(self.data["temperature_K"]), *map(float, rules["temperatures_K"])})
            return {"temperatures_K": temperatures, "harmonic": rules["harmonic"]}
        chain = {key: value for key, value in rules["interfaces"].items() if key not in ("methods", "chains")}
        pilot = {key: value for key, value in chain.items() if key not in ("cycles", "burn_in", "refresh")}
        return {
            "umbrella": {"umbrella": windows},
            "free_energy": {
                "umbrella": windows,
                "transmission": rules["transmission"],
                "temperatures_K": sorted({float(self.data["temperature_K"]), *map(float, rules["temperatures_K"])}),
            },
            "transmission": {},
            "interface_pilot": {"interfaces": pilot},
            "interface_chain": {"interfaces": chain},
            "interface_rate": {},
            "rates": {},
        }[stage]

    def windows_of_pilot(self, method: str) -> bool:
        """Whether a method has umbrella windows along the variables of its interfaces, for the pilot to start from."""
        rules = self.data["rates"]
        along = rules["umbrella"]
        return method in along["methods"] and along["variables"] == rules["interfaces"]["variables"]

    def settings(self, stage: str, method: str | None = None, draw: str | None = None) -> dict[str, Any]:
        """Plain data that determines what a stage writes, and nothing else.

        Snakemake runs a job again when its parameters change; giving each stage only what it depends on is what
        keeps a change of one method, or of a later stage, from touching the rest.

        Parameters
        ----------
        stage
            ``minimum``, ``guess``, ``saddle_search``, ``saddle``, ``first_path``, ``sample``, ``assess``,
            ``variables``, ``coordinate``, ``restrained``, ``draw``, ``committor_shots``, ``committor``, one of
            `RATES`, ``compare`` or ``report``.
        method
            Name of the method; None for ``compare`` and ``report``.
        draw
            Name of the set of committor shots, for ``draw`` and ``committor_shots``.
        """
        system = dict(self.system_data)
        if stage not in ("assess", "variables", "coordinate", "draw", "committor", *ALONG_COORDINATE):
            system.pop("variables", None)
        system.pop("literature", None)  # for the report alone
        base: dict[str, Any] = {
            "system": system,
            "temperature_K": self.data["temperature_K"],
            "seed": self.data["seed"],
        }
        if method is None:
            labels = {name: m.label for name, m in self.methods.items()}
            rules = self.data["committor"]
            shots = {"draws": list(self.draws()), "batches": rules["batches"], "source": rules["source"]}
            if stage == "report":
                return base | {"methods": labels, "report": self.data["report"]}
            return base | {"methods": labels, "committor": shots}
        spec = dict(self.data["methods"][method])
        spec.pop("label", None)  # a name for tables and plots, which only the comparison makes
        if stage in ("minimum", "guess", "saddle_search", "saddle", "harmonic"):
            # Geometries do not depend on how trajectories are run.
            spec["dynamics"] = {"time_step_fs": 1, "shift_fs": 1, "longest_half_fs": 100}
        base |= {"name": method, "method": spec}
        part = {
            "minimum": "stationary",
            "guess": "stationary",
            "saddle_search": "stationary",
            "coordinate": "coordinate",
            "assess": "coordinate",
        }.get(stage)
        if part:
            base[part] = dict(self.data[part])
        if stage == "assess":
            # The rest tells more of the coordinate and does not change which one it is.
            base[part] = {key: base[part][key] for key in CHOICE}
        if stage in ("restrained", "draw", "committor_shots", "committor"):
            base["committor"] = self._committor(stage, draw)
        if stage in ("draw", "committor", *ALONG_COORDINATE):
            # The naive coordinate is fitted to what the found one was fitted to.
            base["coordinate"] = {key: self.data["coordinate"][key] for key in ("model", "observations")}
        if stage in RATES:
            base["rates"] = self._rates(stage)
        if draw is not None:
            base["draw"] = draw
        # How far sampling goes does not change what is sampled.
        keys = {
            "first_path": ("starts", "first_path_attempts"),
            "sample": ("rule", "shots_per_round", "burn_in"),
            "assess": ("starts", "min_rounds", "max_rounds", "convergence"),
        }.get(stage)
        if keys:
            base["sampling"] = {key: self.data["sampling"][key] for key in keys}
        if stage in ("sample", "committor_shots", "transmission", "interface_pilot", "interface_chain"):
            base["failures_in_a_row"] = self.data["failures_in_a_row"]
        return base

    def start_of(self, chain: int) -> str:
        """Name of the geometry that a chain's first path is shot from; chains are numbered from 1."""
        starts = self.data["sampling"]["starts"]
        return starts[(chain - 1) % len(starts)]

    def guess_number(self, name: str) -> int:
        """Number of a saddle guess in the system file, from 1."""
        return 1 + [g.name for g in self.system.saddle_guesses].index(name)


def system_from_settings(settings: Mapping[str, Any]) -> System:
    """The system of a stage from its :meth:`Config.settings`."""
    return build_system(settings["system"], "settings")


def from_settings(settings: Mapping[str, Any]) -> tuple[System, Method]:
    """The system and the method of a stage from its :meth:`Config.settings`."""
    system = system_from_settings(settings)
    method = build_method(settings["name"], settings["method"], settings["temperature_K"], settings["seed"], "settings")
    return system, method
