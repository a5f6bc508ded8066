"""Registries: all things of one kind, those of this library and those that installed packages bring.

An entry is one object at the top of a module and says all that is to be known of one thing. Entries of the library are
found in the modules of one package folder; a package of somebody else names its entry by an entry point:

    [project.entry-points."separatrix.figures"]
    my-figure = "mypackage.figure"          # a module with the entry, or mypackage.figure:ENTRY

Nothing is imported until an entry is asked for, and of plug-ins the names alone are read until then.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Generic, TypeVar

from separatrix.core.errors import ConfigError
from separatrix.core.plain import one_line
from separatrix.core.text import near

EntryType = TypeVar("EntryType")


class Registry(Generic[EntryType]):
    """Entries of one kind by their names.

    Parameters
    ----------
    kind
        What one of them is, with its article: "a figure". Errors say it.
    group
        Group of entry points, such as ``separatrix.figures``. The name of an entry point is that of its entry.
    package
        Package whose modules hold the library's own entries.
    entry
        Class of an entry.
    attribute
        Name under which a module has its entry, or a sequence of entries. A module of `package` without it holds
        none.
    key
        Attribute of an entry that holds its name.
    one_per_module
        Whether each module of `package` holds one entry that is called as the module is, with `-` for `_`. Only then
        are the names known without an import.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        package: str,
        entry: type[EntryType],
        attribute: str,
        *,
        key: str = "name",
        one_per_module: bool = False,
    ) -> None:
        self.kind, self.group, self.package = kind, group, package
        self.entry, self.attribute, self.key = entry, attribute, key
        self.one_per_module = one_per_module
        self._modules: dict[str, EntryType] = {}
        self._plugins: dict[EntryPoint, EntryType] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._own_names or name in self._points

    def __getitem__(self, name: str) -> EntryType:
        """The entry of a name.

        Raises
        ------
        ConfigError
            When there is none, or the package that registers it is broken: one line.
        """
        points = self._points.get(name, ())
        if name in self._own_names:
            if points:
                raise ConfigError(
                    f"{name!r} is {self.kind} of Separatrix, and the package {_package(points[0])} registers another "
                    f"({points[0].value}) under this name; rename or uninstall it"
                )
            return self._own(name)
        if points:
            return self._plugin(name, points)
        names = self.names()
        raise ConfigError(f"{name!r} is not {self.kind}{near(name, names)} (known: {', '.join(names)})")

    def names(self) -> list[str]:
        """All names, sorted; broken plug-ins are among them."""
        return sorted({*self._own_names, *self._points})

    def own(self) -> list[str]:
        """Names of the library's own entries, sorted."""
        return sorted(self._own_names)

    def plugins(self) -> dict[str, str]:
        """Names that installed packages bring, and which package that is."""
        return {name: _package(points[0]) for name, points in sorted(self._points.items())}

    def entries(self) -> dict[str, EntryType]:
        """All entries by name, the library's own in the order of their modules, then plug-ins by name.

        Raises
        ------
        ConfigError
            When a package that registers one is broken.
        """
        return {name: self[name] for name in (*self._own_names, *sorted(set(self._points) - set(self._own_names)))}

    @cached_property
    def _module_names(self) -> list[str]:
        """Modules of the package; to import a package itself must be cheap."""
        path = importlib.import_module(self.package).__path__
        return sorted(module.name for module in pkgutil.iter_modules(path) if not module.ispkg)

    @cached_property
    def _own_names(self) -> Mapping[str, str]:
        """Name of each entry of the library -> its module."""
        if self.one_per_module:
            return {name.replace("_", "-"): name for name in self._module_names}
        names: dict[str, str] = {}
        for module_name in self._module_names:
            module = importlib.import_module(f"{self.package}.{module_name}")
            for entry in self._entries_of(module):
                name = getattr(entry, self.key)
                if name in names:
                    raise ValueError(f"{name!r} is {self.kind} of two modules, {names[name]} and {module_name}")
                names[name] = module_name
                self._modules[name] = entry
        return names

    def _own(self, name: str) -> EntryType:
        if name not in self._modules:
            module = importlib.import_module(f"{self.package}.{self._own_names[name]}")
            (entry,) = self._entries_of(module)
            if getattr(entry, self.key) != name:
                raise ValueError(
                    f"{module.__name__} holds {getattr(entry, self.key)!r}; it must be named as its module"
                )
            self._modules[name] = entry
        return self._modules[name]

    def _entries_of(self, module: ModuleType) -> list[EntryType]:
        """Entries that a module holds at its top."""
        held = getattr(module, self.attribute, ())
        entries = list(held) if isinstance(held, Sequence) else [held]
        wrong = [entry for entry in entries if not isinstance(entry, self.entry)]
        if wrong:
            raise TypeError(f"{module.__name__}.{self.attribute} holds a {type(wrong[0]).__name__}")
        return entries

    @property
    def _points(self) -> Mapping[str, tuple[EntryPoint, ...]]:
        return _points_of(self.group, tuple(sys.path))

    def _plugin(self, name: str, points: tuple[EntryPoint, ...]) -> EntryType:
        """The entry that a package has registered."""
        if len({point.value for point in points}) > 1:
            who = " and ".join(sorted(f"{_package(point)} ({point.value})" for point in points))
            raise ConfigError(f"{name!r} is registered by two packages, {who}; uninstall one")
        point = points[0]
        if point in self._plugins:
            return self._plugins[point]
        where = f"{name!r} is registered by the package {_package(point)} as {point.value}, which"
        try:
            held = point.load()
            if isinstance(held, ModuleType):
                held = getattr(held, self.attribute, None)
        except (Exception, SystemExit) as error:  # importing runs whatever the package has in it
            raise ConfigError(f"{where} cannot be imported ({one_line(error)}); mend or uninstall it") from error
        if isinstance(held, Sequence) and not isinstance(held, self.entry | str):
            held = next((entry for entry in held if getattr(entry, self.key, None) == name), None)
        if not isinstance(held, self.entry):
            raise ConfigError(
                f"{where} has not {self.attribute}, an object of {self.entry.__module__}.{self.entry.__qualname__}; "
                "mend or uninstall it"
            )
        called = getattr(held, self.key)
        if called != name:
            raise ConfigError(f"{where} calls itself {called!r}; its entry point must have the same name")
        self._plugins[point] = held
        return held


@lru_cache(maxsize=64)
def _points_of(group: str, path: tuple[str, ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    """EntryType points of a group by name; `path` is `sys.path`, where packages are looked for."""
    points: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=group):
        points[point.name] = (*points.get(point.name, ()), point)
    return points


def _package(point: EntryPoint) -> str:
    """Name of the installed package that an entry point is of."""
    return point.dist.name if point.dist is not None else point.module
