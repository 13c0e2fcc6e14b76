"""Bilinear interpolation of several rays at once, and its adjoint, written as vectors for numba's compiler.

Of a loop over rays that read anywhere LLVM makes scalar code, which takes twice as long; and it leaves waiting for the
memory to the processor, which does not see far enough ahead.

All work on LANES rays from u on, in a slice of the volume that begins at data[start]. They meet it where
row_b + m * slope_b and row_c + m * slope_c say, in steps of by_b and by_c numbers, and must have all their neighbors
in it. Arrays are one-dimensional and contiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LANES = 8
_FUSED = ("contract",)  # a product and a sum in one step
_INT = ir.IntType(32)


class _Lanes:
    """Writes LLVM's instructions about some rays; float and vector arguments are values of LLVM."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> None:
        data, start, by_b, by_c, row_b, row_c, slope_b, slope_c, m, u, values = args
        self.context, self.builder, self.kinds = context, builder, dict(zip(args, signature.args, strict=True))
        self.by_c = by_c
        self.values = self.pointer(values, u)
        i_b, self.f_b = self.split(self.pointer(row_b, u), self.pointer(slope_b, u), m)
        i_c, self.f_c = self.split(self.pointer(row_c, u), self.pointer(slope_c, u), m)
        i_b, i_c = (builder.mul(i, self.spread(builder.trunc(by, _INT))) for i, by in ((i_b, by_b), (i_c, by_c)))
        self.places = self.each(builder.add(i_b, i_c))
        self.above, self.below = self.pointer(data, start), self.pointer(data, builder.add(start, by_b))

    def pointer(self, array: Any, position: Any) -> Any:
        return self.builder.gep(make_array(self.kinds[array])(self.context, self.builder, array).data, [position])

    def load(self, pointer: Any, count: int) -> Any:
        """So many numbers from there on, which may begin anywhere."""
        kind = self.kind()
        pointer = self.builder.bitcast(pointer, ir.VectorType(kind, count).as_pointer())
        return self.builder.load(pointer, align=self.context.get_abi_sizeof(kind))

    def store(self, vector: Any, pointer: Any) -> None:
        pointer = self.builder.bitcast(pointer, vector.type.as_pointer())
        self.builder.store(vector, pointer, align=self.context.get_abi_sizeof(vector.type.element))

    def kind(self) -> Any:
        return self.context.get_data_type(next(iter(self.kinds.values())).dtype)

    def each(self, vector: Any) -> list[Any]:
        """The numbers of a vector; whole ones as wide as pointers are."""
        numbers = [self.builder.extract_element(vector, ir.Constant(_INT, n)) for n in range(LANES)]
        return [self.builder.zext(n, self.by_c.type) for n in numbers] if vector.type.element == _INT else numbers

    def spread(self, value: Any) -> Any:
        """A vector of the same numbers."""
        vector = self.builder.insert_element(
            ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined), value, ir.Constant(_INT, 0)
        )
        return self.shuffle(vector, vector, [0] * LANES)

    def shuffle(self, first: Any, second: Any, order: Sequence[int]) -> Any:
        return self.builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_INT, len(order)), list(order)))

    def join(self, vectors: list[Any]) -> Any:
        while len(vectors) > 1:
            order = range(2 * vectors[0].type.count)
            vectors = [self.shuffle(x, y, order) for x, y in zip(vectors[::2], vectors[1::2], strict=True)]
        return vectors[0]

    def add(self, x: Any, y: Any) -> Any:
        return self.builder.fadd(x, y, flags=_FUSED)

    def subtract(self, x: Any, y: Any) -> Any:
        return self.builder.fsub(x, y, flags=_FUSED)

    def multiply(self, x: Any, y: Any) -> Any:
        return self.builder.fmul(x, y, flags=_FUSED)

    def mix(self, first: Any, second: Any, part: Any) -> Any:
        return self.add(first, self.multiply(part, self.subtract(second, first)))

    def split(self, row: Any, slope: Any, m: Any) -> tuple[Any, Any]:
        """The whole part and the rest of row + m * slope, which pointers give."""
        step = self.spread(self.builder.sitofp(m, self.kind()))
        place = self.add(self.load(row, LANES), self.multiply(step, self.load(slope, LANES)))
        whole = self.builder.fptosi(place, ir.VectorType(_INT, LANES))
        return whole, self.subtract(place, self.builder.sitofp(whole, place.type))

    def read(self, line: Any, shift: Any, count: int) -> Any:
        """Of all rays, so many numbers from their places in a line on."""
        places = [self.builder.add(place, shift) for place in self.places] if shift else self.places
        return self.join([self.load(self.builder.gep(line, [place]), count) for place in places])


def _ray_intrinsic(write: Callable[[_Lanes], None]) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        write(_Lanes(context, builder, signature, args))
        return context.get_dummy_value()

    def typed(context, data, start, by_b, by_c, row_b, row_c, slope_b, slope_c, m, u, values):
        number = types.intp
        rays = (row_b, row_c, slope_b, slope_c)
        return types.void(data, number, number, number, *rays, number, number, values), generate

    typed.__name__, typed.__doc__ = write.__name__, write.__doc__
    return intrinsic(typed)


@_ray_intrinsic
def gather_pairs(lanes: _Lanes) -> None:
    """Add to the values of rays what they find, where neighbors in a row are neighbors in memory (by_c = 1)."""
    twice, left, right = [n // 2 for n in range(2 * LANES)], range(0, 2 * LANES, 2), range(1, 2 * LANES, 2)
    upper, lower = lanes.read(lanes.above, None, 2), lanes.read(lanes.below, None, 2)
    rows = lanes.mix(upper, lower, lanes.shuffle(lanes.f_b, lanes.f_b, twice))
    found = lanes.mix(lanes.shuffle(rows, rows, left), lanes.shuffle(rows, rows, right), lanes.f_c)
    lanes.store(lanes.add(lanes.load(lanes.values, LANES), found), lanes.values)


@_ray_intrinsic
def gather_singles(lanes: _Lanes) -> None:
    """Add to the values of rays what they find, wherever the neighbors are in memory."""
    left, right = (
        lanes.mix(lanes.read(lanes.above, shift, 1), lanes.read(lanes.below, shift, 1), lanes.f_b)
        for shift in (None, lanes.by_c)
    )
    lanes.store(lanes.add(lanes.load(lanes.values, LANES), lanes.mix(left, right, lanes.f_c)), lanes.values)


@_ray_intrinsic
def scatter(lanes: _Lanes) -> None:
    """Add the values of rays to what they would find: the adjoint of gathering."""
    values = lanes.load(lanes.values, LANES)
    lower = lanes.multiply(values, lanes.f_b)
    upper = lanes.subtract(values, lower)
    right, below_right = lanes.multiply(upper, lanes.f_c), lanes.multiply(lower, lanes.f_c)
    shares = (lanes.subtract(upper, right), right, lanes.subtract(lower, below_right), below_right)
    for place, *parts in zip(lanes.places, *map(lanes.each, shares), strict=True):
        beside = lanes.builder.add(place, lanes.by_c)
        targets = [(line, at) for line in (lanes.above, lanes.below) for at in (place, beside)]
        for (line, at), part in zip(targets, parts, strict=True):
            pointer = lanes.builder.gep(line, [at])
            lanes.builder.store(lanes.add(lanes.builder.load(pointer), part), pointer)


@intrinsic
def prefetch(context, data, position):
    """Ask the memory for data[position], which need not exist, without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        pointer = builder.gep(make_array(signature.args[0])(context, builder, args[0]).data, [args[1]])
        kinds = [ir.IntType(8).as_pointer(), _INT, _INT, _INT]
        function = get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), kinds), "llvm.prefetch.p0")
        read, keep, cache = (ir.Constant(_INT, value) for value in (0, 3, 1))
        builder.call(function, [builder.bitcast(pointer, kinds[0]), read, keep, cache])
        return context.get_dummy_value()

    return types.void(data, types.intp), generate
