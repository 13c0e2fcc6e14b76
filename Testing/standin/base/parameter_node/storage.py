"""How a value of each type is kept in the parameter node: Slicer's keys and texts."""

from __future__ import annotations

import abc
import collections.abc
import contextlib
import enum
import pathlib
import types
import typing

import slicer

from .annotations import IsInstance, NotNone, Validator, split

PATHS = (pathlib.Path, pathlib.PurePath, pathlib.PosixPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)


def storage_for(annotated) -> Storage:
    """The storage of a type, annotated or not.

    Raises:
        TypeError: Values of the type cannot be kept.
    """
    kind, annotations = split(annotated)
    validators = [each for each in annotations if isinstance(each, Validator)]
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        storage: Storage = UnionStorage(typing.get_args(kind))
    elif typing.get_origin(kind) is list:
        storage = ListStorage(*typing.get_args(kind))
    elif typing.get_origin(kind) is tuple:
        storage = TupleStorage(typing.get_args(kind))
    elif kind is type(None):
        storage = NoneStorage()
    elif kind in (bool, int, float, str, *PATHS) or (isinstance(kind, type) and issubclass(kind, enum.Enum)):
        storage = TextStorage(kind)
    elif isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
        storage = NodeStorage(kind)
    else:
        raise TypeError(f"Unable to keep values of type {kind} in a parameter node")
    storage.validators += validators
    return storage


class Storage(abc.ABC):
    """Reads and writes the values of one type; `validators` check what is written."""

    def __init__(self, validators: typing.Iterable[Validator] = ()) -> None:
        self.validators = list(validators)

    def validate(self, value) -> None:
        for validator in self.validators:
            validator.validate(value)

    def write(self, node, name: str, value) -> None:
        self.validate(value)
        with slicer.util.NodeModify(node):
            self._write(node, name, value)

    @abc.abstractmethod
    def default(self): ...

    @abc.abstractmethod
    def contains(self, node, name: str) -> bool: ...

    @abc.abstractmethod
    def _write(self, node, name: str, value) -> None: ...

    @abc.abstractmethod
    def read(self, node, name: str): ...

    @abc.abstractmethod
    def remove(self, node, name: str) -> None: ...


class _SingleParameter(Storage):
    """One parameter of the same name."""

    def contains(self, node, name):
        return node.HasParameter(name)

    def remove(self, node, name):
        node.UnsetParameter(name)


class TextStorage(_SingleParameter):
    """Numbers, texts, paths as text; an Enum as the name of its member."""

    def __init__(self, kind: type) -> None:
        super().__init__([NotNone(), IsInstance((int, float) if kind is float else kind)])
        self._kind = kind

    def default(self):
        return next(iter(self._kind)) if issubclass(self._kind, enum.Enum) else self._kind()

    def _write(self, node, name, value):
        node.SetParameter(name, value.name if isinstance(value, enum.Enum) else str(value))

    def read(self, node, name):
        text = node.GetParameter(name)
        if self._kind is bool:
            return text == "True"
        if not issubclass(self._kind, enum.Enum):
            return self._kind(text)
        try:
            return self._kind[text]
        except KeyError as error:
            raise ValueError(f"{text!r} in the parameter node is not a name of {self._kind}") from error


class NodeStorage(_SingleParameter):
    """A node reference, and an empty parameter that says that it is there (it may be None)."""

    def __init__(self, kind: type) -> None:
        super().__init__([IsInstance(kind)])

    def default(self):
        return None

    def _write(self, node, name, value):
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node, name):
        return node.GetNodeReference(name)

    def remove(self, node, name):
        super().remove(node, name)
        node.RemoveNodeReferenceIDs(name)


class NoneStorage(_SingleParameter):
    """None, in a union."""

    def __init__(self) -> None:
        super().__init__([IsInstance(type(None))])

    def default(self):
        return None

    def _write(self, node, name, value):
        node.SetParameter(name, "True")

    def read(self, node, name):
        return None


class UnionStorage(Storage):
    """The value of one of some types: name.0, name.1, ... is there for the type in use."""

    def __init__(self, kinds: tuple) -> None:
        super().__init__()
        self._members = [storage_for(kind) for kind in kinds]
        self._optional = len(kinds) == 2 and isinstance(self._members[1], NoneStorage)

    def _named(self, name):
        return [(member, f"{name}.{index}") for index, member in enumerate(self._members)]

    def default(self):
        return None if self._optional else self._members[0].default()

    def validate(self, value):
        super().validate(value)
        self._member_for(value, "")

    def _member_for(self, value, name):
        fitting = [entry for entry in self._named(name) if isinstance(entry[0], NoneStorage) == (value is None)]
        errors = []
        for member, member_name in fitting:
            try:
                member.validate(value)
                return member, member_name
            except (TypeError, ValueError) as error:
                errors.append(error)
        # None also fits a node type, where the union has no None.
        raise errors[-1] if errors else TypeError(f"Unable to write {value!r}")

    def contains(self, node, name):
        return any(member.contains(node, member_name) for member, member_name in self._named(name))

    def _write(self, node, name, value):
        member, member_name = self._member_for(value, name)
        self.remove(node, name)
        member.write(node, member_name, value)

    def read(self, node, name):
        member, member_name = next(entry for entry in self._named(name) if entry[0].contains(node, entry[1]))
        return member.read(node, member_name)

    def remove(self, node, name):
        for member, member_name in self._named(name):
            member.remove(node, member_name)


class TupleStorage(Storage):
    """name.0, name.1, ..."""

    def __init__(self, kinds: tuple) -> None:
        super().__init__([NotNone()])
        self._members = [storage_for(kind) for kind in kinds]

    def default(self):
        return tuple(member.default() for member in self._members)

    def validate(self, value):
        super().validate(value)
        if len(value) != len(self._members):
            raise ValueError(f"Value must have {len(self._members)} elements, is {value!r}")
        for member, element in zip(self._members, value, strict=True):
            member.validate(element)

    def contains(self, node, name):
        return self._members[0].contains(node, f"{name}.0")

    def _write(self, node, name, value):
        for index, (member, element) in enumerate(zip(self._members, value, strict=True)):
            member.write(node, f"{name}.{index}", element)

    def read(self, node, name):
        return tuple(member.read(node, f"{name}.{index}") for index, member in enumerate(self._members))

    def remove(self, node, name):
        for index, member in enumerate(self._members):
            member.remove(node, f"{name}.{index}")


class ListStorage(Storage):
    """name.0, name.1, ... and their number in name.len."""

    def __init__(self, kind) -> None:
        super().__init__([NotNone()])
        self._member = storage_for(kind)

    def default(self):
        return []

    def validate(self, value):
        super().validate(value)
        for element in value:
            self._member.validate(element)

    def contains(self, node, name):
        return node.HasParameter(f"{name}.len")

    def _length(self, node, name):
        return int(node.GetParameter(f"{name}.len") or 0)

    def _write(self, node, name, value):
        for index, element in enumerate(value):
            self._member.write(node, f"{name}.{index}", element)
        for index in range(len(value), self._length(node, name)):
            self._member.remove(node, f"{name}.{index}")
        node.SetParameter(f"{name}.len", str(len(value)))

    def read(self, node, name):
        elements = (self._member.read(node, f"{name}.{index}") for index in range(self._length(node, name)))
        return ObservedList(elements, lambda value: self.write(node, name, value))

    def remove(self, node, name):
        for index in range(self._length(node, name)):
            self._member.remove(node, f"{name}.{index}")
        node.UnsetParameter(f"{name}.len")


class ObservedList(collections.abc.MutableSequence):
    """A list that writes every change to the parameter node."""

    def __init__(self, elements, save: typing.Callable[[list], None]) -> None:
        self._elements, self._save = list(elements), save

    @contextlib.contextmanager
    def _changed(self):
        elements = list(self._elements)
        yield elements
        self._save(elements)
        self._elements = elements

    def __len__(self):
        return len(self._elements)

    def __getitem__(self, index):
        return self._elements[index]

    def __setitem__(self, index, value):
        with self._changed() as elements:
            elements[index] = value

    def __delitem__(self, index):
        with self._changed() as elements:
            del elements[index]

    def insert(self, index, value):
        with self._changed() as elements:
            elements.insert(index, value)

    def extend(self, values):
        with self._changed() as elements:
            elements.extend(values)

    def __eq__(self, other):
        return self._elements == (other._elements if isinstance(other, ObservedList) else other)

    def __repr__(self):
        return f"ObservedList({self._elements})"
