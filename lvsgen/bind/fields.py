"""Fields of a service over the defaults of its file over those of the root file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lvsgen.bind.context import Context, Entry
from lvsgen.diagnostics import Place


@dataclass(frozen=True, slots=True)
class Fields:
    """Layers of plain data, the nearest first. What is empty is not written; `false` and `0` are values."""

    layers: tuple[Mapping[str, Any], ...]

    def get(self, key: str, default: Any = None) -> Any:
        """The value in the nearest layer that has one."""
        for layer in self.layers:
            if layer.get(key) is not None:
                return layer[key]
        return default


def layered(context: Context, entry: Entry) -> tuple[Fields, Place]:
    """The fields of a service, and a place that leads to the layer in which a field was written."""
    files = dict.fromkeys((entry.file, context.root_place.file))
    written = [(file, context.defaults[file]) for file in files if file in context.defaults]
    place = None
    for file, _ in reversed(written):
        place = Place(file, ("defaults",), "value", place)
    fields = Fields((entry.data or {}, *(defaults for _, defaults in written)))
    return fields, Place(entry.file, entry.place.path, "value", place)
