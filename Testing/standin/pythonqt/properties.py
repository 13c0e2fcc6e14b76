"""Qt properties are Python attributes: `label.text = "a"`, and `label.text()` fails."""

from __future__ import annotations

from PySide6 import QtCore


def install(classes: list[type]) -> None:
    """Replace getter methods by properties on all QObject `classes` (base classes first)."""
    declared = {cls: _declared_properties(cls) for cls in classes}
    declared[QtCore.QObject]["name"] = declared[QtCore.QObject]["objectName"]
    for cls in classes:
        inherited: dict[str, property] = {}
        for base in reversed(cls.__mro__):
            inherited.update(declared.get(base, {}))
        for name, value in inherited.items():
            # A subclass may implement a getter again as a method: the property wins there too.
            if not isinstance(getattr(cls, name, None), property):
                setattr(cls, name, value)
        for name, value in declared[cls].items():
            setattr(cls, name, value)
    for method in ("children", "findChildren"):
        setattr(QtCore.QObject, method, _returning_tuple(getattr(QtCore.QObject, method)))


def _declared_properties(cls: type) -> dict[str, property]:
    meta = cls.staticMetaObject
    declared = (meta.property(index) for index in range(meta.propertyOffset(), meta.propertyCount()))
    return {each.name(): _attribute(cls, each) for each in declared}


def _attribute(cls: type, meta_property: QtCore.QMetaProperty) -> property:
    name, kind, writable = meta_property.name(), meta_property.typeName(), meta_property.isWritable()
    capitalized = name[0].upper() + name[1:]
    getter = _method(cls, name) or _method(cls, f"is{capitalized}")
    setter = _method(cls, f"set{capitalized}")

    def read(self):
        value = getter(self) if getter else self.property(name)
        return tuple(value) if isinstance(value, list) else value

    def write(self, value):
        if not writable:
            raise AttributeError(f"Property '{name}' of {type(self).__name__} object is not writable")
        try:
            value = _converted(value, kind)
            setter(self, value) if setter else self.setProperty(name, value)
        except TypeError:
            raise AttributeError(
                f"Property '{name}' of type '{kind}' does not accept {value!r} of type {type(value).__name__}"
            ) from None

    return property(read, write)


def _method(cls: type, name: str):
    value = getattr(cls, name, None)
    return value if callable(value) and not isinstance(value, QtCore.Signal) else None


def _converted(value, kind: str):
    if kind == "int" and isinstance(value, float):
        return int(value)
    if kind == "double" and hasattr(value, "__float__"):
        return float(value)
    if kind in ("bool", "QString"):
        return {"bool": bool, "QString": str}[kind](value)
    return value


def _returning_tuple(method):
    def tuple_method(self, *arguments):
        return tuple(method(self, *arguments))

    return tuple_method
