"""Owns the small faults that may be made in a module: which there are, and its source with one of them."""

from __future__ import annotations

import ast
import copy
import pathlib
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

N = TypeVar("N", bound=ast.AST)

# fmt: off
COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}
# fmt: on


class Change(NamedTuple):
    """One fault: a piece of a module's source, from byte `start` to `end` of it, and what replaces it."""

    path: pathlib.Path
    line: int
    start: int
    end: int
    old: str
    new: str

    def apply(self, source: str) -> str:
        """Return the module's source with the fault."""
        content = source.encode()
        return (content[: self.start] + self.new.encode() + content[self.end :]).decode()

    def __str__(self) -> str:
        """Return it in one line."""
        old, new = (" ".join(text.split())[:60] for text in (self.old, self.new))
        return f"{self.path}:{self.line}  {old}  ->  {new}"


def find_changes(path: pathlib.Path, source: str) -> Iterator[Change]:
    """Yield every change of a module.

    Args:
        path: What the changes name.
        source: Its text.

    Yields:
        Changes in the order of the source, each of which leaves it valid Python.
    """
    starts, size = [], 0
    for line in source.encode().splitlines(keepends=True):
        starts.append(size)
        size += len(line)
    for part in _walk(ast.parse(source)):
        for node, new in _rewrite(part):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            old = source.encode()[start:end].decode()
            yield Change(path, node.lineno, start, end, old, new)


def _walk(node: ast.AST) -> Iterator[ast.stmt | ast.expr]:
    """Yield what runs: no annotations, texts, decorators or imports for types."""
    if isinstance(node, ast.stmt | ast.expr):
        yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            # Of what stands within an f-string, Python 3.11 does not know the place.
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                yield from _walk(child)


def _rewrite(node: ast.stmt | ast.expr) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """Yield what of a node is replaced, and by what."""
    if isinstance(node, ast.If | ast.IfExp) and isinstance(node.test, ast.Name | ast.Call | ast.Attribute):
        yield node.test, f"(not {ast.unparse(node.test)})"
    if isinstance(node, ast.expr):
        for expression in _rewrite_expression(node):
            # Brackets keep the order of operations.
            yield node, f"({ast.unparse(expression)})"
    else:
        for text in _rewrite_statement(node):
            yield node, text


def _rewrite_expression(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=[op]):
            for other in COMPARED[type(op)]:
                yield _with(node, ops=[other()])
        case ast.BinOp(op=op) if type(op) in COMPUTED:
            yield _with(node, op=COMPUTED[type(op)]())
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Call(func=ast.Name(id="min" | "max" as name), args=[first, *rest]):
            yield _with(node, func=ast.Name("max" if name == "min" else "min"))
            if rest:
                yield first
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)


def _rewrite_statement(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Raise() | ast.Break():
            yield "pass"
        case ast.Continue():
            yield "break"
        case ast.AugAssign(target=target, op=op, value=value):
            yield f"{ast.unparse(target)} = {ast.unparse(value)}"
            if type(op) in COMPUTED:
                yield ast.unparse(_with(node, op=COMPUTED[type(op)]()))
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield "return None"


def _with(node: N, **fields: object) -> N:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
