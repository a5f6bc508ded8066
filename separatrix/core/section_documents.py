"""What a section documents: its JSON schema, for editors and programs, and rows of tables, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import annotated_types
from pydantic import WithJsonSchema
from pydantic.fields import FieldInfo

from separatrix.core.section import JSON_TYPES, Distinct, Section, bare_type, extra_of, section_of


class Row(NamedTuple):
    """A key for a table: its dotted path, unit, default and meaning."""

    key: str
    unit: str
    default: str
    meaning: str


def rows(section: type[Section], path: str = "") -> Iterator[Row]:
    """Every key of a section and of those below it, in their order."""
    for name, field in section.model_fields.items():
        at = f"{path}{field.alias or name}"
        extra, inner = extra_of(field), section_of(field.annotation)
        if extra.get("hidden"):
            continue
        kind = get_origin(bare_type(field.annotation)[0])
        meaning = extra.get("guide") or field.description or ""
        if inner is None or kind in (dict, list) or field.default_factory is None:
            yield Row(at, extra.get("unit", ""), _default(field), meaning)
        if inner is not None:
            yield from rows(inner, f"{at}.NAME." if kind is dict else f"{at}.N." if kind is list else f"{at}.")


def _default(field: FieldInfo) -> str:
    if text := extra_of(field).get("shown_default"):
        return text
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`" if isinstance(value, str) else "`{}`"


@cache
def json_schema(section: type[Section]) -> dict[str, Any]:
    """The JSON schema of a section, for editors and other programs."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | _schema_of_section(section)


def _schema_of_section(section: type[Section]) -> dict[str, Any]:
    properties, required = {}, []
    for name, field in section.model_fields.items():
        at = field.alias or name
        properties[at] = _schema_of_type(field.annotation, field.metadata) | {"description": field.description or ""}
        if unit := extra_of(field).get("unit"):
            properties[at]["unit"] = unit
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        if field.is_required():
            required.append(at)
        elif default is not None:
            properties[at]["default"] = {} if isinstance(default, Section) else default
    whole = {"type": "object", "additionalProperties": False, "properties": properties}
    return (
        whole
        | ({"required": required} if required else {})
        | {"description": " ".join((section.__doc__ or "").split())}
    )


_KEYWORDS = {
    annotated_types.Gt: ("gt", "exclusiveMinimum"),
    annotated_types.Ge: ("ge", "minimum"),
    annotated_types.Lt: ("lt", "exclusiveMaximum"),
    annotated_types.Le: ("le", "maximum"),
}


def _schema_of_type(annotation: Any, metadata: Sequence[Any] = ()) -> dict[str, Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *parts = get_args(annotation)
        described = {p.description for p in parts if isinstance(p, FieldInfo) and p.description}
        flat = [q for p in parts for q in (p.metadata if isinstance(p, FieldInfo) else [p])]
        schema = _schema_of_type(inner, [*flat, *metadata])
        return schema | ({"description": described.pop()} if described else {})
    bare, _ = bare_type(annotation)
    if bare is not annotation:
        return _schema_of_type(bare, metadata)
    schema = _schema_ofbare_type(annotation)
    size = {"array": "Items", "object": "Properties"}.get(str(schema.get("type")), "Length")
    for part in metadata:
        if isinstance(part, WithJsonSchema):
            schema = dict(part.json_schema or {})
        elif part is Distinct:
            schema["uniqueItems"] = True
        elif type(part) in _KEYWORDS:
            attribute, keyword = _KEYWORDS[type(part)]
            schema[keyword] = getattr(part, attribute)
        elif isinstance(part, annotated_types.MinLen):
            schema[f"min{size}"] = part.min_length
        elif isinstance(part, annotated_types.MaxLen):
            schema[f"max{size}"] = part.max_length
        elif pattern := getattr(part, "pattern", None):
            schema["pattern"] = pattern
    return schema


def _schema_ofbare_type(annotation: Any) -> dict[str, Any]:
    origin, inside = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return _schema_of_section(annotation)
    if origin is list:
        return {"type": "array", "items": _schema_of_type(inside[0])}
    if origin is dict:
        schema: dict[str, Any] = {"type": "object"}
        if names := {k: v for k, v in _schema_of_type(inside[0]).items() if k != "type"}:
            schema["propertyNames"] = names
        return schema | ({} if inside[1] is Any else {"additionalProperties": _schema_of_type(inside[1])})
    if origin is Literal:
        return {"enum": [*inside]}
    return {"type": JSON_TYPES[annotation]} if annotation in JSON_TYPES else {}
