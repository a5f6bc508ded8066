"""Typed sections of what a user writes: type, bounds, unit, meaning and default of each key, and stages that need it.

A section is a pydantic model, and everything said of its keys comes from it: the check of a file with its one-line
errors (:func:`check`), the JSON schema and tables for readers (:mod:`separatrix.core.section_documents`), and what each
stage of the workflow depends on (:func:`depends`, :meth:`Section.of_stage`).
"""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, NamedTuple, Self, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from separatrix.core import user_data
from separatrix.core.errors import ConfigError
from separatrix.core.text import near, one_line, shown

EVERY_STAGE = ("*",)
"""Of a key that every stage depends on."""


def every_stage_but(kind: str) -> tuple[str, ...]:
    """Of a key that every stage depends on which is not of a kind (:attr:`Section.kinds`)."""
    return (*EVERY_STAGE, f"-{kind}")


LABEL = r"^[^=+@\s-]"
"""Pattern of what is shown to people: spreadsheets take other beginnings for formulas."""

JSON_TYPES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
}

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


class Section(BaseModel):
    """A mapping of known keys.

    Attributes
    ----------
    stages
        Stages that depend on those of its keys that do not name their own; names of stages, or of kinds of them.
    kinds
        Stages of each kind that the section adds, by the kind's name: so keys elsewhere can name a kind of stages
        without a list of them.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, defer_build=True, regex_engine="python-re", protected_namespaces=()
    )

    stages: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    renamed: ClassVar[Mapping[str, str]] = {}
    """Former names of keys, which a file may still use -> their present ones. They go with the next release."""

    @classmethod
    def of_stage(cls, stage: str, data: Mapping[str, Any], root: type[Section] | None = None) -> Self:
        """The section as a stage sees it.

        Keys that the stage does not depend on are not there: to read one raises an AttributeError, for the stage would
        not be run again when that key changes.

        Parameters
        ----------
        stage
            Name of the stage.
        data
            What :func:`depends` gave of checked data, for this stage.
        root
            Section that the whole file is, where this one is a part of it or of another file; it says of what kinds the
            stage is.
        """
        return cls._named(names_of(root or cls, stage), data)

    @classmethod
    def _named(cls, names: frozenset[str], data: Mapping[str, Any]) -> Self:
        values = {}
        for name, field in cls.model_fields.items():
            given = data.get(field.alias or name)
            if name in needed(cls, names) and (given is not None or field.default is None):
                values[name] = _typed(field.annotation, given, names)
        section = cls.model_construct(_fields_set=set(values))
        object.__setattr__(section, "__dict__", values)
        return section

    def __getattr__(self, name: str) -> Any:
        if name in type(self).model_fields:
            raise AttributeError(
                f"{type(self).__name__}.{name}: the stage does not depend on it; add it to its `stages`"
            )
        return super().__getattr__(name)  # type: ignore[misc]


def _typed(annotation: Any, value: Any, names: frozenset[str]) -> Any:
    inner = section_of(annotation)
    if inner is None or value is None:
        return value
    kind = get_origin(bare_type(annotation)[0])
    if kind is dict:
        return {name: inner._named(names, each) for name, each in value.items()}
    if kind is list:
        return [inner._named(names, each) for each in value]
    return inner._named(names, value)


Kind = TypeVar("Kind", bound=Section)


def section_in(section: Section, name: str, kind: type[Kind]) -> Kind:
    """The section that an installed package has added to another one, by the last word of its key.

    Raises
    ------
    AttributeError
        When there is none, or it is of another class.
    """
    value = getattr(section, name)
    if not isinstance(value, kind):
        raise AttributeError(f"{type(section).__name__}.{name} is no {kind.__name__}")
    return value


# --- keys -------------------------------------------------------------------------------------------------------------


def key(
    default: Any,
    description: str,
    *,
    unit: str = "",
    stages: Sequence[str] | None = None,
    shown_default: str = "",
    guide: str = "",
    hidden: bool = False,
    **bounds: Any,
) -> Any:
    """One key of a section.

    Parameters
    ----------
    default
        Its value where a file leaves it out; ``...`` if it must be given, None if it may be absent.
    description
        What it means, in a few words, for errors and editors.
    unit
        Of its value.
    stages
        Stages that depend on it; those of its section if None.
    shown_default
        What tables show as the default, where that is no value.
    guide
        What tables for readers say in place of the description.
    hidden
        Whether tables for readers leave it out.
    bounds
        ``gt``, ``ge``, ``lt``, ``le``, ``min_length``, ``max_length``, ``pattern``, ``alias``.
    """
    extra: dict[str, Any] = {"unit": unit, "stages": stages, "shown_default": shown_default, "guide": guide}
    extra["hidden"] = hidden
    if isinstance(default, list | dict):
        return Field(
            default_factory=lambda: copy.deepcopy(default), description=description, json_schema_extra=extra, **bounds
        )
    return Field(default, description=description, json_schema_extra=extra, **bounds)


def subsection(section: type[Section], description: str, *, stages: Sequence[str] | None = None) -> Any:
    """A key that holds a section, whose keys all have defaults."""
    extra: dict[str, Any] = {"stages": stages, "unit": ""}
    return Field(default_factory=section, description=description, json_schema_extra=extra)


def _as_written(value: Any, handler: Callable[[Any], Any]) -> Any:
    handler(value)
    return value  # a whole number stays one


Number = Annotated[float, WrapValidator(_as_written)]
"""A number, whole or not."""


def _scalar(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    raise PydanticCustomError("wanted_type", "", {"types": ["number", "string", "boolean"]})


Scalar = Annotated[
    int | float | str | bool,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["number", "string", "boolean"]}),
]
"""A number, text, or a truth value."""


def _distinct(values: list[Any]) -> list[Any]:
    seen: list[Any] = []
    for value in values:
        if any(value == other and type(value) is type(other) for other in seen):
            raise PydanticCustomError("not_distinct", "")
        seen.append(value)
    return values


Distinct = AfterValidator(_distinct)
"""Of a list that holds no entry twice."""


# --- what a section says of its keys ----------------------------------------------------------------------------------


def extra_of(field: FieldInfo) -> dict[str, Any]:
    """Unit, stages and texts of a key, as :func:`key` was given them."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def bare_type(annotation: Any) -> tuple[Any, str]:
    """A type without None and without annotations, and its own description."""
    description = ""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            for part in annotation.__metadata__:
                if isinstance(part, FieldInfo) and part.description:
                    description = part.description
            annotation = annotation.__origin__
        elif origin in (Union, types.UnionType) and type(None) in get_args(annotation):
            rest = [each for each in get_args(annotation) if each is not type(None)]
            annotation = Union[tuple(rest)]  # noqa: UP007
        else:
            return annotation, description


def section_of(annotation: Any) -> type[Section] | None:
    """The section that a type is, or holds under names or in a list; None if there is none."""
    bare = bare_type(annotation)[0]
    if isinstance(bare, type) and issubclass(bare, Section):
        return bare
    if get_origin(bare) in (dict, list):
        return section_of(get_args(bare)[-1])
    return None


@cache
def _kinds(section: type[Section]) -> Mapping[str, frozenset[str]]:
    """Stages of each kind that a section and those below it add."""
    kinds = {kind: frozenset(stages) for kind, stages in section.kinds.items()}
    for field in section.model_fields.values():
        if (inner := section_of(field.annotation)) is not None:
            for kind, stages in _kinds(inner).items():
                kinds[kind] = kinds.get(kind, frozenset()) | stages
    return kinds


@cache
def names_of(root: type[Section], stage: str) -> frozenset[str]:
    """What keys of a file may call a stage: its name, and the kinds that it is of."""
    return frozenset({stage, *(kind for kind, stages in _kinds(root).items() if stage in stages)})


def _wanted(stages: Sequence[str], names: frozenset[str]) -> bool:
    if EVERY_STAGE[0] in stages:
        return not any(f"-{name}" in stages for name in names)
    return not names.isdisjoint(stages)


@cache
def needed(section: type[Section], names: frozenset[str]) -> frozenset[str]:
    """Names of the fields of a section that a stage depends on, wholly or in a part; `names`: see :func:`names_of`."""
    fields = []
    for name, field in section.model_fields.items():
        stages, inner = extra_of(field).get("stages"), section_of(field.annotation)
        if stages is None and inner is not None:
            wanted = bool(needed(inner, names))
        else:
            wanted = _wanted(section.stages if stages is None else stages, names)
        if wanted:
            fields.append(name)
    return frozenset(fields)


def depends(
    section: type[Section], data: Mapping[str, Any], stage: str, root: type[Section] | None = None
) -> dict[str, Any]:
    """The part of checked data that a stage depends on, in the order of the section, for Snakemake compares it as text.

    A key that names its stages itself brings all that it holds.

    Parameters
    ----------
    section
        Of the data.
    data
        Checked data.
    stage
        Name of the stage.
    root
        As in :meth:`Section.of_stage`.
    """
    return _part(section, data, names_of(root or section, stage))


def _part(section: type[Section], data: Mapping[str, Any], stage: frozenset[str]) -> dict[str, Any]:
    names = needed(section, stage)
    part = {}
    for name, field in section.model_fields.items():
        key_ = field.alias or name
        if name not in names or key_ not in data:
            continue
        value = data[key_]
        inner, kind = section_of(field.annotation), get_origin(bare_type(field.annotation)[0])
        if inner is not None and extra_of(field).get("stages") is None:
            if kind is dict:
                value = {each: _part(inner, item, stage) for each, item in value.items()}
            elif kind is list:
                value = [_part(inner, item, stage) for item in value]
            else:
                value = _part(inner, value, stage)
        part[key_] = value
    return part


def extended(section: type[Kind], path: Sequence[str], added: type[Section], description: str) -> type[Kind]:
    """A section with one more below it.

    Parameters
    ----------
    section
        The section; it stays as it is.
    path
        Where the new one goes: names of sections below each other, and then its own.
    added
        The new section; all its keys have defaults.
    description
        What it is, in a few words.

    Raises
    ------
    ConfigError
        When the place is taken, or below no section, or a key has no default.
    """
    name, *rest = path
    field = section.model_fields.get(name)
    if not rest:
        if field is not None:
            raise ConfigError("which is a key of Separatrix already; its package must give it another name")
        if missing := [each for each, its in added.model_fields.items() if its.is_required()]:
            raise ConfigError(f"whose key {missing[0]!r} has no default; its package must give one")
        return _with_field(section, name, added, description)
    inner = None if field is None else field.annotation
    # Sections in a list or under names, and those that may be absent, are no places.
    if field is None or not (isinstance(inner, type) and issubclass(inner, Section)):
        raise ConfigError(f"but {name!r} is no section that is always there; its package must put it elsewhere")
    return _with_field(section, name, extended(inner, rest, added, description), field.description or "")


def _with_field(section: type[Kind], name: str, inner: type[Section], description: str) -> type[Kind]:
    return create_model(
        section.__name__,
        __base__=section,
        __module__=section.__module__,
        __doc__=section.__doc__,
        **{name: (inner, subsection(inner, description))},  # type: ignore[call-overload]
    )


# --- checking ---------------------------------------------------------------------------------------------------------


def check(
    data: Mapping[str, Any], section: type[Section], where: str, notices: list[str] | None = None
) -> dict[str, Any]:
    """Check data against a section and fill in the defaults.

    Parameters
    ----------
    data
        What the user wrote; not changed.
    section
        What it should be.
    where
        File that errors name.
    notices
        Takes a line for every key that is given under a former name.

    Raises
    ------
    ConfigError
        At the first mistake, in one line.
    """
    user_data.check(data, f"{where}: " if where else "")
    full = copy.deepcopy(dict(data))
    for old, new, twice in _under_former_names(section, full, ()):
        if twice:
            raise ConfigError(one_line(f"{where}: {old}: its present name, {new}, is given as well; keep that"))
        if notices is not None:
            notices.append(one_line(f"{old} is now called {new}; this release is the last to read the old name"))
    try:
        section.model_validate(full)
    except ValidationError as error:
        mistakes = [_Mistake.of(section, each) for each in error.errors(include_url=False)]
        raise ConfigError(one_line(f"{where}: {min(mistakes, key=_Mistake.order).sentence}")) from error
    if (empty := _empty(section, full, ())) is not None:
        raise ConfigError(one_line(f"{where}: {empty}"))
    fill(full, section)
    return full


def _under_former_names(section: type[Section], data: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str, bool]]:
    """Give keys their present names, in place: former and present path of each, and whether it has both."""
    if not isinstance(data, dict):
        return
    for old, new in section.renamed.items():
        if old in data:
            yield ".".join((*path, old)), ".".join((*path, new)), new in data
            # In its place: the order of keys is that of the file.
            items = [(new if name == old else name, value) for name, value in data.items()]
            data.clear()
            data.update(items)
    for name, field in section.model_fields.items():
        at, inner = field.alias or name, section_of(field.annotation)
        if at not in data or inner is None:
            continue
        value, kind = data[at], get_origin(bare_type(field.annotation)[0])
        if kind is dict and isinstance(value, dict):
            for each, item in value.items():
                yield from _under_former_names(inner, item, (*path, at, str(each)))
        elif kind is list and isinstance(value, list):
            for i, item in enumerate(value):
                yield from _under_former_names(inner, item, (*path, at, str(i)))
        else:
            yield from _under_former_names(inner, value, (*path, at))


def fill(data: dict[str, Any], section: type[Section]) -> None:
    """Put the defaults of a section into checked data, in place."""
    for name, field in section.model_fields.items():
        at = field.alias or name
        inner = section_of(field.annotation)
        if at not in data and not field.is_required():
            default = field.get_default(call_default_factory=True)
            if default is not None:
                data[at] = {} if isinstance(default, Section) else default
        if at in data and inner is not None:
            kind = get_origin(bare_type(field.annotation)[0])
            each = data[at].values() if kind is dict else data[at] if kind is list else [data[at]]
            for item in each:
                fill(item, inner)


def _empty(section: type[Section], data: Mapping[str, Any], path: tuple[str, ...]) -> str | None:
    """The sentence about the first key that may be absent and is given without a value."""
    for name, field in section.model_fields.items():
        at = field.alias or name
        if at not in data:
            continue
        here, value, inner = (*path, at), data[at], section_of(field.annotation)
        if value is None and bare_type(field.annotation)[0] is not Any and not field.is_required():
            return _wrong_type(".".join(here), None, [_type_of(field.annotation)], field.description or "")
        if inner is not None:
            kind = get_origin(bare_type(field.annotation)[0])
            items = value.items() if kind is dict else enumerate(value) if kind is list else [(None, value)]
            for each, item in items:
                if (sentence := _empty(inner, item, here if each is None else (*here, str(each)))) is not None:
                    return sentence
    return None


def _type_of(annotation: Any) -> str:
    bare = bare_type(annotation)[0]
    if section_of(bare) is not None and get_origin(bare) is not list:
        return "object"
    return JSON_TYPES.get(get_origin(bare) or bare, "string")


class _Mistake(NamedTuple):
    """A mistake as pydantic reports it, as one sentence, and how early it should be reported."""

    weight: int
    at: str
    sentence: str

    def order(self) -> tuple[int, str]:
        # An unknown key usually explains a missing one, so it is reported first.
        return self.weight, self.at

    @classmethod
    def of(cls, section: type[Section], error: Any) -> _Mistake:
        loc = [str(part) for part in error["loc"]]
        named = bool(loc) and loc[-1] == "[key]"  # the name of an entry, and not what is under it
        if named or error["type"] in ("missing", "extra_forbidden"):
            *loc, last = loc[:-1] if named else loc
        else:
            last = ""
        at = ".".join(loc)
        weight = {"missing": 2, "extra_forbidden": 0}.get(error["type"], 0 if named else 1)
        inside, description = _look(section, loc, names=named)
        begin = f"{at}: " if at else ""
        return cls(weight, at, begin + _sentence(error, inside, description, last))


def _look(section: type[Section], loc: Sequence[str], *, names: bool = False) -> tuple[Any, str]:
    """The type at a path, and its description; with `names`, those of the keys of the mapping there."""
    annotation: Any = section
    description = ""
    for part in loc:
        bare, _ = bare_type(annotation)
        if isinstance(bare, type) and issubclass(bare, Section):
            field = next((f for n, f in bare.model_fields.items() if (f.alias or n) == part), None)
            if field is None:
                return Any, ""
            annotation, description = field.annotation, field.description or ""
        elif get_origin(bare) in (dict, list):
            annotation = get_args(bare)[-1]
            description = bare_type(annotation)[1]
        else:
            return Any, ""
    if names:
        return bare_type(get_args(bare_type(annotation)[0])[0])
    return bare_type(annotation)[0], description


def _sentence(error: Any, inside: Any, meaning: str, last: str) -> str:
    value, context = error["input"], error.get("ctx", {})
    wanted, seen = f" ({meaning})" if meaning else "", shown(value)
    match error["type"]:
        case "extra_forbidden":
            names = [field.alias or name for name, field in inside.model_fields.items()]
            return f"unknown key {shown(last)}{near(last, names)} (known: {', '.join(names)})"
        case "missing":
            field = next(f for n, f in inside.model_fields.items() if (f.alias or n) == last)
            return f"key {last!r} is missing{f' ({field.description})' if field.description else ''}"
        case "string_pattern_mismatch" if context["pattern"] == LABEL:
            return f"{seen} begins with {value[0]!r}; a name begins with a letter, a digit or a bracket"
        case "string_pattern_mismatch":
            return f"{seen} cannot be used as a name; use {meaning}"
        case "literal_error":
            choices = [str(each) for each in get_args(inside)]
            hint = _as_yaml_reads(value, ["string"])
            return f"{seen} is not one of {', '.join(choices)}{near(str(value)[:100], choices)}{hint}"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal" as kind:
            relation, bound = {
                "greater_than": ("more than", "gt"),
                "greater_than_equal": ("at least", "ge"),
                "less_than": ("less than", "lt"),
                "less_than_equal": ("at most", "le"),
            }[kind]
            return f"{seen} must be {relation} {_bound(context[bound])}{wanted}"
        case "too_short" | "too_long" as kind:
            number = context["min_length" if kind == "too_short" else "max_length"]
            entries = "entry" if number == 1 else "entries"
            return f"needs {'at least' if kind == 'too_short' else 'at most'} {number} {entries}{wanted}"
        case "string_too_short" | "string_too_long" as kind:
            short = kind == "string_too_short"
            number = context["min_length" if short else "max_length"]
            return f"{seen} has {len(value)} characters; {'at least' if short else 'at most'} {number}{wanted}"
        case "not_distinct":
            return f"{seen} holds one entry twice{wanted}"
    if error["type"].endswith("_type") or error["type"] == "model_attributes_type":
        return _wrong_type("", value, context.get("types") or [_type_of(inside)], meaning)
    return one_line(error["msg"])[:200]


def _wrong_type(at: str, value: Any, types: Sequence[str], meaning: str) -> str:
    seen = "nothing" if value is None else shown(value)
    remedy = f"; give the {meaning}" if meaning else ""
    wanted = " or ".join(_TYPES[each] for each in types)
    return f"{f'{at}: ' if at else ''}{seen} is not {wanted}{remedy}{_as_yaml_reads(value, types)}"


def _bound(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 or value % 1000 == 0 else str(value)


def _as_yaml_reads(value: Any, types: Sequence[str]) -> str:
    """What YAML 1.1 makes of a word or a number, where that explains an error."""
    if isinstance(value, bool) and "string" in types:
        return " (YAML reads yes, no, on, off, true and false as truth values: write the word in quotes)"
    if isinstance(value, str) and {"number", "integer"} & set(types) and user_data.as_number(value) is not None:
        form = (
            ", with a point and a sign in the power, such as 1.0e+3"
            if "number" in types
            else " or powers, such as 1000"
        )
        return f" (it is text to YAML; write it without quotes{form})"
    return ""
