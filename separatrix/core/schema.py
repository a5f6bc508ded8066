"""Checking of data that a user wrote against a JSON schema; a mistake is one line with key and remedy."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from separatrix.core import user_data
from separatrix.core.errors import ConfigError
from separatrix.core.text import near, one_line, shown

SCHEMAS = Path(__file__).resolve().parents[2] / "workflow" / "schemas"

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


@cache
def schema(name: str) -> dict[str, Any]:
    """A JSON schema of this project: ``config`` or ``system``; read once, for every job loads the configuration."""
    return user_data.SafeLoader((SCHEMAS / f"{name}.schema.yaml").read_text()).get_single_data()


def check(data: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    """Check data against a schema and fill in the defaults.

    Parameters
    ----------
    data
        What the user wrote; not changed.
    name
        Of the schema.
    where
        File that errors name.

    Raises
    ------
    ConfigError
        At the first mistake, in one line.
    """
    user_data.check(data, f"{where}: " if where else "")
    full = copy.deepcopy(dict(data))
    rules = schema(name)
    errors = sorted(jsonschema.Draft202012Validator(rules).iter_errors(full), key=_weight)
    if errors:
        raise ConfigError(one_line(f"{where}: {_sentence(errors[0])}"))
    _fill(full, rules)
    return full


def _weight(error: jsonschema.ValidationError) -> tuple[int, str]:
    # An unknown key usually explains a missing one, so it is told first.
    order = {"additionalProperties": 0, "propertyNames": 0, "required": 2}
    return order.get(error.validator, 1), ".".join(str(p) for p in error.absolute_path)


def _sentence(error: jsonschema.ValidationError) -> str:
    path = ".".join(str(p) for p in error.absolute_path)
    at = f"{path}: " if path else ""
    meaning = error.schema.get("description", "")
    wanted, found = f" ({meaning})" if meaning else "", shown(error.instance)
    match error.validator:
        case "additionalProperties":
            known = list(error.schema.get("properties", {}))
            unknown = next(k for k in error.instance if k not in known)
            return f"{at}unknown key {shown(unknown)}{near(unknown, known)} (known: {', '.join(known)})"
        case "pattern" if error.validator_value == LABEL:
            return f"{at}{found} begins with {error.instance[0]!r}; a name begins with a letter, a digit or a bracket"
        case "propertyNames" | "pattern":
            return f"{at}{found} cannot be used as a name; use {meaning}"
        case "required":
            missing = next(k for k in error.validator_value if k not in error.instance)
            meaning = error.schema.get("properties", {}).get(missing, {}).get("description", "")
            return f"{at}key {missing!r} is missing{f' ({meaning})' if meaning else ''}"
        case "type":
            types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
            found = "nothing" if error.instance is None else found
            remedy = f"; give the {meaning}" if meaning else ""
            words = " or ".join(_TYPES[t] for t in types)
            return f"{at}{found} is not {words}{remedy}{_as_yaml_reads(error.instance, types)}"
        case "enum":
            choices = [str(v) for v in error.validator_value]
            hint = _as_yaml_reads(error.instance, ["string"])
            return f"{at}{found} is not one of {', '.join(choices)}{near(str(error.instance)[:100], choices)}{hint}"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            words = {"minimum": "at least", "exclusiveMinimum": "more than"}
            words |= {"maximum": "at most", "exclusiveMaximum": "less than"}
            return f"{at}{found} must be {words[error.validator]} {_bound(error.validator_value)}{wanted}"
        case "minItems" | "maxItems" | "minProperties":
            bound = "at least" if error.validator.startswith("min") else "at most"
            return f"{at}needs {bound} {error.validator_value} entries{wanted}"
        case "minLength" | "maxLength":
            bound = "at least" if error.validator == "minLength" else "at most"
            return f"{at}{found} has {len(error.instance)} characters; {bound} {error.validator_value}{wanted}"
        case "uniqueItems":
            return f"{at}{found} holds one entry twice{wanted}"
    return f"{at}{one_line(error.message)[:200]}"


def _bound(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 or value % 1000 == 0 else str(value)


def _as_yaml_reads(value: Any, types: Sequence[str]) -> str:
    """What YAML 1.1 makes of a word or a number, where that explains an error."""
    if isinstance(value, bool) and "string" in types:
        return " (YAML reads yes, no, on, off, true and false as truth values: write the word in quotes)"
    if isinstance(value, str) and {"number", "integer"} & set(types) and user_data.as_number(value) is not None:
        return " (it is text to YAML; write it without quotes, with a point and a sign in the power, such as 1.0e+3)"
    return ""


LABEL = r"^[^=+@\s-]"
"""Pattern of what is shown to people: spreadsheets take other beginnings for formulas."""


def _fill(data: Any, rules: Mapping[str, Any]) -> None:
    if isinstance(data, dict):
        for key, sub in rules.get("properties", {}).items():
            if key not in data and "default" in sub:
                data[key] = copy.deepcopy(sub["default"])
            if key in data:
                _fill(data[key], sub)
        extra = rules.get("additionalProperties")
        if isinstance(extra, dict):
            for key in data.keys() - rules.get("properties", {}).keys():
                _fill(data[key], extra)
    elif isinstance(data, list):
        for item in data:
            _fill(item, rules.get("items", {}))
