"""Understands a whole query: its columns, its text for DuckDB, and the form of what it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from lakewright.sql import (
    calls,
    coercion,
    dialect,
    expression,
    generators,
    grouping,
    joins,
    operators,
    shape,
    types,
)
from lakewright.sql.context import Context
from lakewright.sql.quoting import duckdb_type, identifier
from lakewright.sql.refusals import Poisoned, Refusals, Refused
from lakewright.sql.scope import POISON, Output, Relation, Scope
from lakewright.sql.term import Term
from lakewright.wording import counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """A query that has been understood."""

    outputs: tuple[Output, ...]
    text: str
    form: shape.Form


@dataclass(kw_only=True)
class Binder:
    """Binds one text's queries; mistakes go to `refusals`, so that all are found."""

    schemas: Mapping[str, types.Schema]
    refusals: Refusals
    parameters: Mapping[str, types.Type] = field(default_factory=dict)
    """What they may read as `:name`, with the types."""
    tables: dict[str, Bound] = field(default_factory=dict)
    """The WITH queries that are visible, by name in lower case."""

    def query(self, node: exp.Expr, scope: Scope | None = None) -> Bound:
        """Bind a query of any form. `scope` holds the columns of a query around, if it may look."""
        visible = dict(self.tables)
        prefix = self._with(node)
        if isinstance(node, exp.Select):
            bound = _Select(binder=self, node=node, scope=scope or Scope()).bind()
        elif isinstance(node, exp.SetOperation):
            bound = self._set_operation(node)
        else:
            bound = self.query(node.this, scope)
            bound = replace(bound, text=f"({bound.text})")
        self.tables = visible
        return replace(bound, text=prefix + bound.text)

    def _with(self, node: exp.Expr) -> str:
        clause = node.args.get("with_")
        if clause is None:
            return ""
        texts = []
        for cte in clause.expressions:
            bound = self._renamed(self.query(cte.this), cte.args["alias"])
            name = cte.alias
            columns = ", ".join(identifier(output.name) for output in bound.outputs)
            texts.append(f"{identifier(name)}({columns}) AS ({bound.text})")
            self.tables[name.lower()] = bound
        return f"WITH {', '.join(texts)} "

    def _renamed(self, bound: Bound, alias: exp.Expr) -> Bound:
        names = [column.name for column in alias.args.get("columns") or ()]
        if names and len(names) != len(bound.outputs):
            self.refusals.add_refused(
                Refused(
                    alias,
                    f"{counted(len(names), 'name')} given for"
                    f" {counted(len(bound.outputs), 'column')}",
                )
            )
            return bound
        outputs = bound.outputs
        if names:
            outputs = tuple(
                replace(output, name=name) for output, name in zip(outputs, names, strict=True)
            )
        return replace(bound, outputs=outputs)

    def relation(self, node: exp.Expr) -> tuple[Relation, str, shape.Form]:
        """A table, WITH query or subquery in a FROM: what it offers, its text and its form.

        Raises:
            Refused: it is not known.
        """
        if isinstance(node, exp.Table):
            return self._table(node)
        alias = node.args.get("alias")
        if alias is None:
            raise Refused(
                node, "a subquery in FROM needs a name", hint="write (SELECT ...) AS name"
            )
        bound = self._renamed(self.query(node.this), alias)
        return self._aliased(bound, f"({bound.text})", alias.name)

    def _table(self, node: exp.Table) -> tuple[Relation, str, shape.Form]:
        alias = node.alias or node.name
        if not node.db:
            bound = self.tables.get(node.name.lower())
            if bound is None:
                raise Poisoned  # `parse` has named it.
            return self._aliased(bound, identifier(node.name), alias)
        name = f"{node.db.lower()}.{node.name}"
        known = {one.lower(): one for one in self.schemas}
        found = known.get(name.lower())
        if found is None:
            raise joins.unknown_table(node, name, tuple(self.schemas))
        outputs = tuple(
            Output(
                name=column.name,
                type=column.type,
                origins=frozenset({f"{found}.{column.name}"}),
                plain=f"{found}.{column.name}",
            )
            for column in self.schemas[found].fields
        )
        layer, _, table = found.partition(".")
        relation = Relation(
            alias=alias, outputs=outputs, layer="" if node.alias else layer, is_table=True
        )
        text = f"{identifier(layer)}.{identifier(table)} AS {identifier(alias)}"
        return relation, text, shape.table(found)

    def _aliased(self, bound: Bound, text: str, alias: str) -> tuple[Relation, str, shape.Form]:
        columns = ", ".join(identifier(output.name) for output in bound.outputs)
        relation = Relation(alias=alias, outputs=bound.outputs)
        return relation, f"{text} AS {identifier(alias)}({columns})", bound.form

    def _set_operation(self, node: exp.SetOperation) -> Bound:
        left, right = self.query(node.this), self.query(node.args["expression"])
        verb = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}[type(node)]
        if len(left.outputs) != len(right.outputs):
            self.refusals.add_refused(
                Refused(
                    node.args["expression"],
                    f"the two sides of {verb} have {len(left.outputs)} and"
                    f" {counted(len(right.outputs), 'column')}",
                )
            )
            return left
        outputs = []
        for one, other in zip(left.outputs, right.outputs, strict=True):
            kind: types.Type = POISON
            with self.refusals.gather():
                kind = _united(node, one, other, verb)
            outputs.append(Output(name=one.name, type=kind, origins=one.origins | other.origins))
        sides = [_as_types(side, outputs) for side in (left, right)]
        every = "" if node.args.get("distinct") else " ALL"
        text = f"{sides[0]} {verb}{every} {sides[1]}"
        form = left.form.with_reads([right.form.reads]).lost(f"{verb} joins two queries' rows")
        bound = Bound(outputs=tuple(outputs), text=text, form=form)
        return self._ordered_set(node, bound)

    def _ordered_set(self, node: exp.SetOperation, bound: Bound) -> Bound:
        text = bound.text
        order = node.args.get("order")
        if order is not None:
            parts = []
            for item in order.expressions:
                with self.refusals.gather():
                    position = output_position(item.this, bound.outputs)
                    if position is None:
                        raise Refused(
                            item,
                            "this ORDER BY names no column of the result",
                            hint="order by a column's name or position",
                        )
                    parts.append(f"{position} {calls.direction(item)}")
            text = f'SELECT * FROM ({text}) AS "all" ORDER BY {", ".join(parts)}'
        limit = node.args.get("limit")
        form = bound.form
        if limit is not None:
            with self.refusals.gather():
                text = f'SELECT * FROM ({text}) AS "all"' if order is None else text
                text += f" LIMIT {limit_count(limit)}"
        return replace(bound, text=text, form=form)


def _united(node: exp.Expr, one: Output, other: Output, verb: str) -> types.Type:
    if POISON in (one.type, other.type):
        raise Poisoned
    try:
        return coercion.common((one.type, other.type))
    except coercion.NoCommonType as error:
        raise Refused(
            node.args["expression"],
            f"{verb} has {one.type} and {other.type} in column {one.name!r}",
            why=str(error),
            hint="cast one of them",
        ) from error


def _as_types(side: Bound, outputs: Sequence[Output]) -> str:
    columns = ", ".join(f"c{i}" for i in range(len(outputs)))
    parts = []
    for i, (given, wanted) in enumerate(zip(side.outputs, outputs, strict=True)):
        term = Term(type=given.type, text=f"side.c{i}")
        if POISON not in (given.type, wanted.type):
            term = operators.converted(term, wanted.type)
        parts.append(f"{term.text} AS {identifier(wanted.name)}")
    return f"(SELECT {', '.join(parts)} FROM ({side.text}) AS side({columns}))"


def limit_count(node: exp.Expr) -> int:
    """How many rows a LIMIT leaves.

    Raises:
        Refused: it is no constant.
    """
    value = node.args["expression"]
    if not (isinstance(value, exp.Literal) and value.name.isdigit()):
        raise Refused(node, "LIMIT needs a whole number")
    return int(value.name)


def output_position(node: exp.Expr, outputs: Sequence[Output]) -> int | None:
    """The position, from 1, of the result's column that a node names or numbers."""
    if isinstance(node, exp.Literal) and not node.is_string:
        if not (node.name.isdigit() and 1 <= int(node.name) <= len(outputs)):
            raise Refused(node, f"there is no column {node.name}", hint=f"1 to {len(outputs)}")
        return int(node.name)
    if isinstance(node, exp.Column) and not node.table:
        for position, output in enumerate(outputs, 1):
            if output.name.lower() == node.name.lower():
                return position
    return None


@dataclass(kw_only=True)
class _Select:
    """Binds one SELECT, clause by clause in the order of their meaning."""

    binder: Binder
    node: exp.Select
    scope: Scope
    form: shape.Form = field(default_factory=shape.Form)
    texts: list[str] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    items: list[tuple[str, Term]] = field(default_factory=list)
    views: int = 0
    group_texts: list[str] = field(default_factory=list)
    generated: dict[int, list[tuple[str, Term]]] = field(default_factory=dict)
    """The columns that an item of SELECT generates, by the identity of its node."""

    def bind(self) -> Bound:
        """The SELECT's columns, text and form. Only WHERE may look at the query around."""
        around, self.scope.outer = self.scope.outer, None
        self._from()
        self.scope.outer = around
        self._where()
        self.scope.outer = None
        groups = self._groups()
        self._items()
        is_grouped = groups is not None or any(term.has_aggregate for _, term in self.items)
        having = self._having()
        is_grouped = is_grouped or having is not None
        self._check_grouped(is_grouped=is_grouped)
        self._group_form(groups, is_grouped=is_grouped)
        self._window_form()
        selected = ", ".join(f"{_typed(term)} AS {identifier(name)}" for name, term in self.items)
        distinct = "DISTINCT " if self.node.args.get("distinct") else ""
        if distinct:
            self.form = self.form.lost("DISTINCT compares all rows")
        parts = [f"SELECT {distinct}{selected}", *self.texts]
        if groups:
            parts.append("GROUP BY " + ", ".join(self.group_texts))
        tested = [having.text] if having is not None else []
        # Of no rows Spark makes no total either.
        tested += ["count(*) > 0"] * bool(self.scope.grouping_sets_of)
        parts.extend([f"HAVING {' AND '.join(tested)}"] * bool(tested))
        parts.extend(self._order())
        parts.extend(self._limit())
        return Bound(outputs=tuple(self.outputs), text=" ".join(parts), form=self.form)

    def _context(self, clause: str) -> Context:
        return Context(
            scope=self.scope,
            subquery=self._subquery,
            clause=clause,
            parameters=self.binder.parameters,
        )

    def _subquery(self, node: exp.Expr, scope: Scope) -> tuple[tuple[Output, ...], str]:
        bound = self.binder.query(node, scope)
        if any(output.type == POISON for output in bound.outputs):
            raise Poisoned
        self.form = self.form.with_reads([bound.form.reads])
        return bound.outputs, bound.text

    def _from(self) -> None:
        self._tables()
        for lateral in self.node.args.get("laterals") or ():
            alias, is_outer = lateral.args["alias"], bool(lateral.args.get("outer"))
            names = [column.name for column in alias.args.get("columns") or ()]
            with self.binder.refusals.gather():
                joins.check_name(lateral, alias.name, self.scope)
                relation = self._view(lateral.this, alias.name, names, is_outer=is_outer)
                self.scope.relations.append(relation)
        self._generators()

    def _generators(self) -> None:
        """An item that makes rows is a view whose columns nothing else can name."""
        items = [item for item in self.node.expressions if generators.is_generator(item)]
        for item in items:
            self.generated[id(item)] = []
            with self.binder.refusals.gather():
                if len(items) > 1 or self.node.args.get("group") is not None:
                    raise generators.several(item)
                view = self._view(
                    generators.unnamed(item), "", generators.names(item), is_outer=False
                )
                self.generated[id(item)] = [(one.name, view.term(one)) for one in view.outputs]

    def _view(
        self, node: exp.Expr, alias: str, names: Sequence[str], *, is_outer: bool
    ) -> Relation:
        self.views += 1
        alias, context = alias or f"view {self.views}", self._context("a generator")
        relation, text = generators.view(node, alias, names, context, is_outer=is_outer)
        self.texts = [
            f"{self.texts[0]} CROSS JOIN LATERAL {text}" if self.texts else f"FROM {text}"
        ]
        return relation

    def _tables(self) -> None:
        clause = self.node.args.get("from_")
        if clause is None:
            return
        relation, text, self.form = self.binder.relation(clause.this)
        self.scope.relations.append(relation)
        texts = [f"FROM {text}"]
        for join in self.node.args.get("joins") or ():
            right, right_text, right_form = self.binder.relation(join.this)
            self.form = self.form.with_reads([right_form.reads])
            kind = joins.kind(join)
            if kind in ("RIGHT", "FULL"):
                self.form = self.form.lost(f"a {kind} JOIN returns rows of the other table too")
            condition = joins.add(join, kind, right, self.scope, self._context("ON"))
            texts.append(f"{kind} JOIN {right_text}{condition}")
        self.texts.append(" ".join(texts))

    def _where(self) -> None:
        clause = self.node.args.get("where")
        if clause is None:
            return
        with self.binder.refusals.gather():
            term = self._condition(clause.this, replace(self._context("WHERE"), may_correlate=True))
            self.texts.append(f"WHERE {term.text}")

    def _condition(self, node: exp.Expr, context: Context) -> Term:
        term = expression.bind(node, context)
        try:
            return operators.condition(term)
        except operators.Mismatch as mismatch:
            raise Refused(
                node, f"{context.clause} needs a condition: {mismatch}", hint=mismatch.hint
            ) from mismatch

    def _groups(self) -> list[Term] | None:
        clause = self.node.args.get("group")
        if clause is None:
            return None
        groups: list[Term] = []
        for item in clause.expressions:
            with self.binder.refusals.gather():
                self.group_texts.append(grouping.text(item, self._group, groups))
        self.scope.groups = frozenset(term.text for term in groups)
        if grouping.has_sets(clause):
            self.scope.grouping_sets_of = tuple(dict.fromkeys(term.text for term in groups))
        return groups

    def _group(self, node: exp.Expr) -> Term:
        """A grouping expression: itself, or the selected item that it numbers or names."""
        selected = self.node.expressions
        meant = node
        if isinstance(node, exp.Literal) and not node.is_string:
            if not (node.name.isdigit() and 1 <= int(node.name) <= len(selected)):
                raise Refused(node, f"there is no column {node.name} to group by")
            meant = selected[int(node.name) - 1]
        elif isinstance(node, exp.Column) and not node.table and not self._is_column(node.name):
            meant = next((one for one in selected if one.alias.lower() == node.name.lower()), node)
        if isinstance(meant, exp.Alias):
            meant = meant.this
        term = expression.bind(meant, self._context("GROUP BY"))
        if term.is_literal:
            raise Refused(node, "a constant groups nothing", hint="leave it out")
        if coercion.is_nested(term.type):
            raise Refused(node, f"{term.type} cannot be grouped by", hint="group by its fields")
        return term

    def _is_column(self, name: str) -> bool:
        return any(relation.get(name) for relation in self.scope.relations)

    def _items(self) -> None:
        for node in self.node.expressions:
            if isinstance(node, exp.Star) or (
                isinstance(node, exp.Column) and isinstance(node.this, exp.Star)
            ):
                with self.binder.refusals.gather():
                    for name, term in joins.star(node, self.scope):
                        self._add_item(node, name, term)
                continue
            if id(node) in self.generated:
                for name, term in self.generated[id(node)]:
                    self._add_item(node, name, term)
                continue
            name = _name(node)
            term = Term(type=POISON, text="NULL")
            with self.binder.refusals.gather():
                inner = node.this if isinstance(node, exp.Alias) else node
                term = self._item(inner)
            self._add_item(node, name, term)

    def _item(self, node: exp.Expr) -> Term:
        context = replace(self._context("SELECT"), may_aggregate=True, may_window=True)
        term = expression.bind(node, context)
        is_given = term.is_null or (coercion.is_nested(term.type) and not term.plain)
        if coercion.is_untyped(term.type) and is_given and not _is_side(self.node):
            raise Refused(
                node, "this column has no type", hint="cast it, such as CAST(NULL AS STRING)"
            )
        return term

    def _add_item(self, node: exp.Expr, name: str, term: Term) -> None:
        if name.lower() in (output.name.lower() for output in self.outputs):
            with self.binder.refusals.gather():
                raise Refused(
                    node,
                    f"two columns are named {name!r}",
                    hint="give one of them another name with AS",
                )
        self.items.append((name, term))
        if term.type != POISON:
            self.scope.items.setdefault(name.lower(), term)
        self.outputs.append(
            Output(name=name, type=term.type, origins=term.origins, plain=term.plain)
        )

    def _having(self) -> Term | None:
        clause = self.node.args.get("having")
        if clause is None:
            return None
        term = Term(type=types.BOOLEAN, text="TRUE")
        with self.binder.refusals.gather():
            term = self._condition(
                clause.this, replace(self._context("HAVING"), may_aggregate=True)
            )
            if term.loose:
                raise _ungrouped(clause.this, term)
        return term

    def _check_grouped(self, *, is_grouped: bool) -> None:
        if not is_grouped:
            return
        nodes = self.node.expressions
        for position, (_, term) in enumerate(self.items):
            if term.loose:
                node = nodes[position] if len(nodes) == len(self.items) else self.node
                self.binder.refusals.add_refused(_ungrouped(node, term))

    def _group_form(self, groups: Sequence[Term] | None, *, is_grouped: bool) -> None:
        if not is_grouped:
            return
        if not groups:
            self.form = self.form.lost("it is one total over all rows")
            return
        if self.scope.grouping_sets_of:
            self.form = self.form.lost("its GROUP BY has totals over other rows")
            return
        self.form = self.form.grouped_by([term.plain for term in groups], "its GROUP BY")

    def _window_form(self) -> None:
        for window in self.node.find_all(exp.Window):
            if window.find_ancestor(exp.Select) is not self.node:
                continue
            columns: list[str | None] = []
            for part in window.args.get("partition_by") or ():
                with self.binder.refusals.gather():
                    columns.append(
                        expression.bind(
                            part, replace(self._context("a window"), may_aggregate=True)
                        ).plain
                    )
            self.form = self.form.grouped_by(columns, "a window's PARTITION BY")

    def _order(self) -> list[str]:
        clause = self.node.args.get("order")
        if clause is None:
            return []
        parts = []
        for item in clause.expressions:
            with self.binder.refusals.gather():
                parts.append(self._ordered(item))
        return ["ORDER BY " + ", ".join(parts)] if parts else []

    def _ordered(self, node: exp.Expr) -> str:
        position = output_position(node.this, self.outputs)
        if position is None:
            if self.node.args.get("distinct"):
                raise Refused(node, "after DISTINCT, ORDER BY names a selected column")
            context = replace(
                self._context("ORDER BY"), may_aggregate=True, may_window=True, prefers_items=True
            )
            term = expression.bind(node.this, context)
            if term.loose and self._is_grouped():
                raise _ungrouped(node, term)
            if coercion.is_nested(term.type):
                raise Refused(node, f"{term.type} has no order here", hint="order by its fields")
            return f"{term.text} {calls.direction(node)}"
        if coercion.is_nested(self.outputs[position - 1].type):
            raise Refused(node, "a nested column has no order here", hint="order by its fields")
        return f"{position} {calls.direction(node)}"

    def _is_grouped(self) -> bool:
        return self.node.args.get("group") is not None or any(
            term.has_aggregate for _, term in self.items
        )

    def _limit(self) -> list[str]:
        clause = self.node.args.get("limit")
        if clause is None:
            return []
        self.form = self.form.lost("LIMIT compares all rows")
        parts = []
        with self.binder.refusals.gather():
            parts.append(f"LIMIT {limit_count(clause)}")
        return parts


def _is_side(node: exp.Expr) -> bool:
    """Whether it is one side of a UNION, whose other side may give a NULL its type."""
    return isinstance(node.parent, exp.SetOperation)


def _typed(term: Term) -> str:
    """A selected column with its type said: DuckDB gives expressions over NULL types of its own."""
    if term.plain or coercion.is_untyped(term.type) or term.type == POISON:
        return term.text
    kind = duckdb_type(term.type)
    is_said = term.text.startswith("CAST(") and term.text.endswith(f" AS {kind})")
    return term.text if is_said else f"CAST({term.text} AS {kind})"


def _name(node: exp.Expr) -> str:
    """What a selected column is called: its alias, its own name, or else its text."""
    if isinstance(node, exp.Dot):
        return str(node.args["expression"].name)
    if isinstance(node, (exp.Alias, exp.Column)):
        return node.alias_or_name
    return dialect.written(node)


def _ungrouped(node: exp.Expr, term: Term) -> Refused:
    names = ", ".join(sorted(term.loose)).replace('"', "")
    return Refused(
        node,
        f"{names} is neither grouped nor aggregated",
        hint="add it to GROUP BY, or put an aggregate such as max(...) around it",
    )
