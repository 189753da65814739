"""The package's source in, small changes of its behaviour out: which ones there are, and a draw.

A mutation changes one place of one file: an operator, a comparison, a boolean operator, a number or
a truth value, or what a function returns. Left out is what no test should notice: docstrings and
other texts, whatever stands in a `raise`, annotations, decorators, `strict=True` of `zip`, and the
blocks under `if TYPE_CHECKING` and `if __name__ == "__main__"`.

The draw is even over rooms, those inside `sweep/` counted one by one, and within a room over the
five kinds, as far as there are places. What is drawn follows from a hash of seed, file, line and
change: a commit elsewhere leaves the other mutations of the draw as they were.
"""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

KINDS = ("operator", "comparison", "boolean", "constant", "return")

OPERATORS: Mapping[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
}
COMPARISONS: Mapping[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
EMPTY = {
    "str": '""',
    "bytes": 'b""',
    "list": "[]",
    "tuple": "()",
    "Sequence": "()",
    "dict": "{}",
    "Mapping": "{}",
    "set": "set()",
    "frozenset": "frozenset()",
}
"""What a function returns instead, by the head of its annotation."""


@dataclass(frozen=True)
class Mutation:
    """One change of one file."""

    file: str
    """Relative to the project's root."""
    kind: str
    line: int
    """Counted from 1."""
    start: int
    end: int
    """The characters of the file that are replaced."""
    before: str
    after: str
    line_text: str
    """The line as it is, without its indentation."""
    column: int
    """Where the change begins in `line_text`."""
    occurrence: int = 0
    """How many equal changes stand before it in lines of the same text."""

    @property
    def change(self) -> str:
        """What is replaced by what."""
        return f"{' '.join(self.before.split()) or 'nothing'} -> {self.after or 'nothing'}"

    @property
    def key(self) -> str:
        """What tells it from others, as long as its line stays as it is."""
        return "|".join((self.file, self.line_text, self.change, str(self.occurrence)))

    def applied_to(self, source: str) -> str:
        """Returns the file's text with the change."""
        return source[: self.start] + self.after + source[self.end :]


def find(file: str, source: str) -> list[Mutation]:
    """Returns every mutation of a file, in the order of its lines."""
    found = sorted(_Finder(file, source).found(), key=lambda m: (m.start, m.kind, m.after))
    seen: dict[tuple[str, str], int] = {}
    numbered = []
    for one in found:
        same = one.line_text, one.change
        numbered.append(Mutation(**{**vars(one), "occurrence": seen.get(same, 0)}))
        seen[same] = seen.get(same, 0) + 1
    return numbered


def find_all(root: Path) -> list[Mutation]:
    """Returns every mutation of the package."""
    files = sorted((root / "sprd").rglob("*.py"))
    return [
        one
        for path in files
        for one in find(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    ]


def room_of(file: str) -> str:
    """Returns the room that a file lies in: `audio`, `sweep/search`; `sweep` for what is beside."""
    parts = Path(file).with_suffix("").parts[1:]
    return "/".join(parts[:2]) if parts[0] == "sweep" and len(parts) > 2 else parts[0]


def draw(mutations: Sequence[Mutation], n: int, seed: int) -> list[Mutation]:
    """Draws `n` mutations, in turn from each room, within a room in turn from each kind."""
    rooms: dict[str, dict[str, list[Mutation]]] = {}
    for one in sorted(mutations, key=lambda m: _hash(seed, m.key)):
        rooms.setdefault(room_of(one.file), {}).setdefault(one.kind, []).append(one)
    order = sorted(rooms, key=lambda room: _hash(seed, room))
    queues = []
    for room in order:
        kinds = sorted(rooms[room], key=lambda kind: _hash(seed, f"{room}:{kind}"))
        queues.append(_in_turn([rooms[room][kind] for kind in kinds]))
    drawn = _in_turn(queues)[:n]
    return sorted(drawn, key=lambda m: (m.file, m.start))


def _in_turn(queues: Sequence[Sequence[Mutation]]) -> list[Mutation]:
    """One of each queue, then the second of each, and so on; a queue that has ended is passed."""
    longest = max(map(len, queues), default=0)
    return [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]


def _hash(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}:{text}".encode()).digest()


class _Finder:
    """Walks the syntax tree of one file."""

    def __init__(self, file: str, source: str) -> None:
        self._file, self._source = file, source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._tokens = [
            (token.string, self._at(token.start), self._at(token.end))
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type in (tokenize.OP, tokenize.NAME)
        ]

    def found(self) -> Iterator[Mutation]:
        yield from self._walk(ast.parse(self._source), None)

    def _walk(self, node: ast.AST, returns: ast.expr | None) -> Iterator[Mutation]:
        yield from self._here(node, returns)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            returns = node.returns
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "format_spec"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _is_left_out(child):
                    yield from self._walk(child, returns)

    def _here(self, node: ast.AST, returns: ast.expr | None) -> Iterator[Mutation]:
        match node:
            case ast.BinOp() if type(node.op) in OPERATORS and not _is_text(node):
                before, after = OPERATORS[type(node.op)]
                yield from self._between("operator", node.left, node.right, before, after)
            case ast.AugAssign() if type(node.op) in OPERATORS and not _is_text(node.value):
                before, after = (f"{sign}=" for sign in OPERATORS[type(node.op)])
                yield from self._between("operator", node.target, node.value, before, after)
            case ast.UnaryOp(op=ast.USub()) if not isinstance(node.operand, ast.Constant):
                start = self._start(node)
                yield self._mutation("operator", start, start + 1, "")
            case ast.Compare():
                sides = pairwise([node.left, *node.comparators])
                for op, (left, right) in zip(node.ops, sides, strict=True):
                    before, after = COMPARISONS[type(op)]
                    yield from self._between("comparison", left, right, before, after)
            case ast.BoolOp():
                both = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in pairwise(node.values):
                    yield from self._between("boolean", left, right, *both)
            case ast.UnaryOp(op=ast.Not()):
                start = self._start(node)
                yield self._mutation("boolean", start, start + len("not"), "")
            case ast.Constant(value=bool() | int() | float() as number):
                after = _other_constant(number)
                yield self._mutation("constant", self._start(node), self._end(node), after)
            case ast.Return(value=ast.expr() as value):
                start, end = self._start(value), self._end(value)
                other = _other_return(self._source[start:end], returns)
                if other is not None and other != self._source[start:end]:
                    yield self._mutation("return", start, end, other)

    def _between(
        self, kind: str, left: ast.expr, right: ast.expr, before: str, after: str
    ) -> Iterator[Mutation]:
        """Changes the operator between two expressions, of one token or two."""
        low, high = self._end(left), self._start(right)
        inside = [t for t in self._tokens if low <= t[1] and t[2] <= high and t[0] not in "()"]
        if " ".join(text for text, _, _ in inside) == before:
            yield self._mutation(kind, inside[0][1], inside[-1][2], after)

    def _mutation(self, kind: str, start: int, end: int, after: str) -> Mutation:
        line = next(i for i, at in enumerate(self._starts) if at > start) - 1
        text = self._lines[line]
        return Mutation(
            file=self._file,
            kind=kind,
            line=line + 1,
            start=start,
            end=end,
            before=self._source[start:end],
            after=after,
            line_text=text.strip(),
            column=start - self._starts[line] - (len(text) - len(text.lstrip())),
        )

    def _start(self, node: ast.expr) -> int:
        return self._at_byte(node.lineno, node.col_offset)

    def _end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._at_byte(node.end_lineno, node.end_col_offset)

    def _at(self, place: tuple[int, int]) -> int:
        return self._starts[place[0] - 1] + place[1]

    def _at_byte(self, line: int, column: int) -> int:
        """`ast` counts a column in bytes of UTF-8."""
        text = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(text)


def _is_left_out(node: ast.AST) -> bool:
    match node:
        case ast.Raise():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return True
        case ast.Subscript(value=ast.Name(id="Literal")) | ast.keyword(arg="strict"):
            return True
    return False


def _is_text(node: ast.expr) -> bool:
    """Whether an expression joins texts, which have no minus."""
    match node:
        case ast.BinOp():
            return _is_text(node.left) or _is_text(node.right)
        case ast.JoinedStr() | ast.Constant(value=str() | bytes()):
            return True
        case ast.Call(func=ast.Attribute(attr="join" | "format")):
            return True
    return False


def _other_constant(value: bool | int | float) -> str:
    if isinstance(value, bool):
        return str(not value)
    return repr(value + 1) if isinstance(value, int) else repr(value * 2 or 1.0)


def _other_return(source: str, returns: ast.expr | None) -> str | None:
    """What is returned instead of `source`, or None where there is nothing to change."""
    kind = ast.unparse(returns) if returns is not None else "None"
    if kind.strip("'\"") == "None" or kind.startswith("Iterator") or source == "None":
        return None
    if kind == "bool":
        return f"not ({source})" if source not in ("True", "False") else None
    if kind in ("int", "float"):
        return f"({source}) + 1"
    return EMPTY.get(kind.partition("[")[0], "None") if "| None" not in kind else "None"
