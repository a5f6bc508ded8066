"""Keys of a system file."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from separatrix.config.stage_names import ALONG_COORDINATE
from separatrix.core.section import EVERY_STAGE, LABEL, Number, Section, key


class IntervalSection(Section):
    """An interval of a coordinate."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    coordinate: str = key(..., "name of a coordinate")
    range_deg: list[Number] | None = key(
        None,
        "lowest and highest value in degrees; a dihedral's interval runs upwards from the first",
        shown_default="one of the three",
        unit="degree",
        guide="lowest and highest value; a dihedral's interval runs upwards, so `[140, 220]` contains 180 and -150",
        min_length=2,
        max_length=2,
    )
    range_A: list[Number] | None = key(
        None,
        "lowest and highest value in angstrom",
        shown_default="one of the three",
        unit="Å",
        guide="lowest and highest value",
        min_length=2,
        max_length=2,
    )
    range: list[Number] | None = key(
        None,
        "lowest and highest value, of a coordinate in neither degrees nor angstrom",
        shown_default="one of the three",
        guide="the same of a coordinate in any other unit or without one, such as a coordination number",
        min_length=2,
        max_length=2,
    )


class BoxSection(Section):
    """A part of a basin."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    within: list[IntervalSection] = key(..., "intervals that all hold in the box", min_length=1)


#: A cycle of atoms that change places: each comes where the next one is, the last where the first is.
Cycle = Annotated[list[str], Field(description="cycle of names of atoms, such as [H1, H2, H3]", min_length=2)]
Renumbering = Annotated[list[Cycle], Field(description="list of cycles, such as [[H1, H2, H3]]", min_length=1)]


class BasinSection(Section):
    """A stable state."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    geometry: str = key(
        ...,
        "path of a geometry file inside the basin",
        guide=(
            "geometry file inside the basin; all have the same atoms in the same order. One molecule in angstrom,"
            " as XYZ (plain or extended), PDB with its column of elements, MOL, SDF, GEN, Turbomole or FHI-aims; "
            "further frames, cells, isotopes and dummy atoms are refused"
        ),
    )
    within: list[IntervalSection] | None = key(
        None,
        "intervals that all hold inside the basin",
        shown_default="this, `any` or both",
        guide="list of intervals that all hold in the basin",
        min_length=1,
    )
    any: list[BoxSection] | None = key(
        None,
        "boxes of which one holds inside the basin",
        shown_default="no boxes",
        guide="list of boxes, each with a `within`; in the basin one of them holds, besides the basin's own `within`",
        min_length=2,
    )
    equivalent: list[Renumbering] | None = key(
        None,
        "renumberings of atoms that count as the same, each a list of cycles of names of atoms",
        shown_default="none",
        guide=(
            "renumberings of like atoms that count as the same geometry, and all that follow from them; each is a list "
            "of cycles that move together: `[[[H1, H2, H3]]]` turns a methyl group, `[[[O1, O2], [C1, C3]]]` swaps two "
            "pairs at once"
        ),
        min_length=1,
    )


class ReactionSection(Section):
    """The committor is the probability to reach `to` before `from`."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    from_: str = key(..., "name of the reactant basin", alias="from")
    to: str = key(..., "name of the product basin")


class PullSection(Section):
    """A pull on a coordinate."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    coordinate: str = key(..., "name of a coordinate")
    target_deg: Number | None = key(
        None,
        "where to pull an angle or a dihedral, in degrees",
        shown_default="one of the three",
        unit="degree",
        ge=-1_000_000,
        le=1_000_000,
    )
    strength_kcal_mol: Number | None = key(
        None,
        "k of k (1 - cos(q - target)), in kcal/mol; of a coordinate in neither degrees nor angstrom k of "
        "k/2 (q - target)^2, in kcal/mol per square of its unit",
        shown_default="one of the two",
        unit="kcal/mol",
        gt=0,
        le=1_000_000,
    )
    target: Number | None = key(
        None,
        "where to pull a coordinate that is in neither degrees nor angstrom",
        shown_default="one of the three",
        ge=-1_000_000,
        le=1_000_000,
    )
    target_A: Number | None = key(
        None,
        "where to pull a length, in angstrom",
        shown_default="one of the three",
        unit="Å",
        ge=-1_000_000,
        le=1_000_000,
    )
    strength_kcal_mol_A2: Number | None = key(
        None,
        "k of k/2 (q - target)^2, in kcal/mol/angstrom^2",
        shown_default="one of the two",
        unit="kcal/mol/Å²",
        gt=0,
        le=1_000_000,
    )


class SaddleGuessSection(Section):
    """A start of the saddle search."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    name: str = key(..., "name of the guess", min_length=1, max_length=100, pattern=LABEL)
    start: str = key(..., "basin whose minimum the search starts from")
    pull: list[PullSection] = key(..., "pulls that bring the start into the saddle's region", min_length=1)


class CrossingSection(Section):
    """Where a path crosses."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    coordinate: str = key(..., "name of a coordinate")
    at_deg: Number | None = key(
        None,
        "angle, or absolute value of a dihedral, at which a path crosses, in degrees",
        shown_default="one of the three",
        unit="degree",
        gt=0,
        lt=180,
    )
    at_A: Number | None = key(
        None,
        "length at which a path crosses, in angstrom",
        shown_default="one of the three",
        unit="Å",
        ge=-1_000_000,
        le=1_000_000,
    )
    at: Number | None = key(
        None,
        "value of a coordinate in neither degrees nor angstrom at which a path crosses",
        shown_default="one of the three",
        ge=-1_000_000,
        le=1_000_000,
    )
    between_deg: list[Number] | None = key(
        None,
        "two values of a dihedral with their signs, in place of at_deg",
        shown_default="`[-at_deg, at_deg]`",
        unit="degree",
        guide=(
            "two values of a dihedral with their signs, in place of `at_deg`: one side goes from the first upwards to "
            "the second, and a path crosses at either, so `[0, 180]` parts mirror images"
        ),
        min_length=2,
        max_length=2,
    )
    ways: list[Annotated[str, Field(min_length=1, max_length=100, pattern=LABEL)]] | None = key(
        None,
        "mechanisms of the paths that cross a dihedral at the first and at the second value, where no class fits",
        shown_default="both `otherwise`",
        guide=(
            "which way round a dihedral goes: the mechanisms of paths that cross at the first and at the second value "
            "(of `at_deg` at minus and at plus it), where no class fits"
        ),
        min_length=2,
        max_length=2,
    )


class MechanismClassSection(Section):
    """A mechanism by a coordinate at the crossing."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    name: str = key(..., "name of the mechanism", min_length=1, max_length=100, pattern=LABEL)
    coordinate: str = key(..., "name of a coordinate")
    above_deg: Number | None = key(
        None,
        "the angle, or the absolute value of the dihedral, exceeds this at the crossing, in degrees",
        shown_default="one of the three",
        unit="degree",
        ge=-1_000_000,
        le=1_000_000,
    )
    above_A: Number | None = key(
        None,
        "the length exceeds this at the crossing, in angstrom",
        shown_default="one of the three",
        unit="Å",
        ge=-1_000_000,
        le=1_000_000,
    )
    above: Number | None = key(
        None,
        "a coordinate in neither degrees nor angstrom exceeds this at the crossing",
        shown_default="one of the three",
        ge=-1_000_000,
        le=1_000_000,
    )
    within_deg: list[Number] | None = key(
        None,
        "the angle, or the dihedral with its sign, lies between these at the crossing, in degrees",
        shown_default="one bound",
        unit="degree",
        min_length=2,
        max_length=2,
    )
    within_A: list[Number] | None = key(
        None,
        "the length lies between these at the crossing, in angstrom",
        shown_default="one bound",
        unit="Å",
        min_length=2,
        max_length=2,
    )
    within: list[Number] | None = key(
        None,
        "a coordinate in any other unit lies between these at the crossing",
        shown_default="one bound",
        min_length=2,
        max_length=2,
    )


class MechanismSection(Section):
    """How to tell by which mechanism a path crosses; without it all are of one, "direct"."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    crossing: CrossingSection = key(
        ...,
        "where a path crosses",
        guide=(
            "a path crosses where `coordinate` passes `at_deg`, `at_A` or `at`, a value between the two basins and in "
            "neither; a dihedral counts without its sign there, and with it in `between_deg`"
        ),
    )
    classes: list[MechanismClassSection] = key(
        ...,
        "mechanisms, each by a coordinate at the crossing",
        guide=(
            "`name`, and the `coordinate` that exceeds `above_...`, or lies in `within_...`, at the crossing; the "
            "largest excess wins, or, among coordinates of different units, the first of the list"
        ),
    )
    otherwise: str = key(..., "name of the mechanism when no class fits", min_length=1, max_length=100, pattern=LABEL)


class VariablesSection(Section):
    """Candidates for the reaction coordinate, at least one."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    around: list[str] = key(
        [],
        "names of the reacting atoms",
        guide=(
            "atoms around which bonds, angles and dihedrals are enumerated, by the bonds of every basin; the "
            "distances of bonds that the reaction breaks and forms, and their difference, come with them"
        ),
    )
    bonds: int = key(
        2, "how many bonds away from them variables reach", guide="how many bonds away they reach", ge=1, le=100
    )
    hydrogens: bool = key(False, "whether variables may involve hydrogens", guide="whether they may involve hydrogens")
    impropers: bool = key(
        False,
        "whether variables include out-of-plane displacements of atoms with three bonds",
        guide="whether they include out-of-plane displacements of atoms with three bonds",
    )
    extra: list[
        Annotated[dict[str, Any], Field(description="variable, such as {kind: angle, atoms: [C6, N9, N10]}")]
    ] = key(
        [],
        "further variables, each with a kind and what that takes",
        guide="further variables: `name`, `kind`, and what the kind takes (below)",
    )


class SystemSection(Section):
    """A molecule, its basins, how to look for saddles, and the variables that may enter a reaction coordinate."""

    stages: ClassVar[tuple[str, ...]] = EVERY_STAGE

    name: str = key(..., "short name", min_length=1, max_length=100, pattern=LABEL)
    title: str | None = key(None, "full name, for the report", min_length=1, max_length=300, pattern=LABEL)
    literature: str | None = key(
        None,
        "CSV of measured rates to set beside the computed ones",
        guide=(
            "CSV of measured activation energies and prefactors to set beside the rates "
            "([docs/rates.md](../docs/rates.md))"
        ),
        stages=(),
        min_length=1,
    )
    charge: int = key(0, "total charge in elementary charges", unit="e", guide="total charge", ge=-1000, le=1000)
    multiplicity: int = key(
        1,
        "spin multiplicity",
        guide=(
            "spin multiplicity, 2S + 1; refused where no molecule of these atoms has it with this charge, or where an "
            "engine cannot do it ([engines](../docs/engines.md#charge-and-spin))"
        ),
        ge=1,
        le=1000,
    )
    trust_numbering: bool = key(
        False,
        ("whether atoms are numbered alike in all geometries although other numbers would make fewer bonds change"),
        guide=(
            "the atoms are numbered alike in all geometries, although with other numbers fewer bonds would "
            "change. Without it such geometries are refused where more than one bond forms or breaks (single "
            "transfers, substitutions and rearrangements, and protons along hydrogen bonds, pass)"
        ),
    )
    atoms: dict[
        Annotated[str, Field(max_length=100, pattern=LABEL, description="a short name")],
        Annotated[int, Field(ge=0, le=1_000_000, description="zero-based index of an atom")],
    ] = key(
        ...,
        "names of atoms and their zero-based index in the geometry files",
        guide="names of atoms: zero-based index in the geometry files",
        min_length=1,
    )
    coordinates: dict[
        Annotated[str, Field(max_length=100, pattern=LABEL, description="a short name")],
        Annotated[
            dict[str, Any], Field(description="collective variable, such as {kind: angle, atoms: [C6, N9, N10]}")
        ],
    ] = key(
        ...,
        "coordinates that basins, saddle guesses and the mechanism refer to, and that the report shows",
        guide=(
            "coordinate that the keys below refer to and the report shows: any collective variable (`kind` and what "
            "that takes, below), and `dihedral`, of four atoms, -180 to 180 degrees; `x`, `y`, `z` are those of one "
            "atom in an external field"
        ),
        min_length=1,
    )
    basins: dict[
        Annotated[
            str,
            Field(
                pattern=r"^[A-Za-z][A-Za-z0-9-]*$(?!\n)",
                max_length=100,
                description="a letter, then letters, digits or hyphens (it becomes part of a file's name)",
            ),
        ],
        BasinSection,
    ] = key(..., "the stable states", min_length=2)
    reaction: ReactionSection = key(..., "the committor is the probability to reach `to` before `from`")
    saddle_guesses: list[SaddleGuessSection] = key(
        ..., "starts of the saddle search, tried in this order until one is verified", min_length=1
    )
    mechanism: MechanismSection | None = key(
        None,
        'how to tell by which mechanism a path crosses; without it all are of one, "direct"',
        shown_default="one, `direct`",
        guide="how to tell by which mechanism a path crosses",
    )
    variables: VariablesSection = key(
        ...,
        "candidates for the reaction coordinate, at least one",
        stages=("assess", "variables", "coordinate", "draw", "committor", ALONG_COORDINATE),
    )
