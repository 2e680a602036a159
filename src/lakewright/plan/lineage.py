"""Where every table and column comes from, and what depends on it, as plain values.

Names are `layer.table` and `layer.table.column`. A file's source stands for itself below its bronze
table. The graph has no cycles: a project with one is refused when it is loaded.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from lakewright import errors, wording
from lakewright.project.model import Model, Referential, Severity
from lakewright.sql import types
from lakewright.sql.query import Resolved
from lakewright.sql.resolve import resolve


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """Direct lineage; what is further away is a walk."""

    tables: Mapping[str, tuple[str, ...]]
    """Every table to the tables that it is computed from, sorted."""
    columns: Mapping[str, tuple[str, ...]]
    """Every column to the columns that its values are computed from, sorted."""

    def upstream(self, name: str) -> tuple[str, ...]:
        """All that a table or column comes from, near or far, sorted."""
        return tuple(sorted(closure([name], self._graph(name))))

    def downstream(self, name: str) -> tuple[str, ...]:
        """All that depends on a table or column, near or far, sorted."""
        return tuple(sorted(closure([name], reverse(self._graph(name)))))

    def upstream_lines(self, name: str) -> tuple[str, ...]:
        """The tree of what a table or column comes from, for people."""
        return tuple(_tree(name, self._graph(name)))

    def downstream_lines(self, name: str) -> tuple[str, ...]:
        """The tree of what depends on a table or column, for people."""
        return tuple(_tree(name, reverse(self._graph(name))))

    def lines(self) -> tuple[str, ...]:
        """The whole graph of tables, for people: under each root what depends on it."""
        graph = reverse(self.tables)
        roots = [name for name in sorted(self.tables) if not self.tables[name]]
        return tuple(line for root in roots for line in _tree(root, graph))

    def _graph(self, name: str) -> Mapping[str, tuple[str, ...]]:
        is_column = name.count(".") > 1
        graph = self.columns if is_column else self.tables
        if name in graph:
            return graph
        table = name.rpartition(".")[0]
        siblings = [each for each in self.columns if is_column and each.startswith(f"{table}.")]
        noun = "column" if siblings else "table"
        raise errors.NotFound(
            f"there is no {'column' if is_column else 'table'} {name}",
            hint=wording.suggestion(name, siblings or list(self.tables), f"{noun}s"),
        )


def resolved_of(model: Model, schemas: Mapping[str, types.Schema]) -> Resolved:
    """What is known of a model's table, from the columns of what it reads or by what it declares.

    Raises:
        SqlRefused: its query does not fit the tables.
    """
    return resolve(model.query, schemas) if model.function is None else model.function.resolved()


def lineage(models: Mapping[str, Model], schemas: Mapping[str, types.Schema]) -> Lineage:
    """The lineage of a project.

    Args:
        models: every model by its table.
        schemas: of the tables that files make. A model that does not fit them, or reads one that
            is not there, has its table in the lineage but no columns.
    """
    known = dict(schemas)
    columns: dict[str, tuple[str, ...]] = {
        f"{table}.{name}": () for table in sorted(schemas) for name in schemas[table].names
    }
    for table in build_order(models):
        model = models[table]
        if not all(read in known for read in model.query.tables):
            continue
        with suppress(errors.SqlRefused):
            resolved = resolved_of(model, known)
            known[table] = resolved.schema
            for name, sources in resolved.lineage.items():
                columns[f"{table}.{name}"] = tuple(sorted(sources))
    return Lineage(tables=dict.fromkeys(sorted(schemas), ()) | tables_read(models), columns=columns)


def tables_read(models: Mapping[str, Model]) -> dict[str, tuple[str, ...]]:
    """Every table that is a model's or is read by one, to the tables that it reads, sorted."""
    graph = {name: tuple(sorted(models[name].query.tables)) for name in sorted(models)}
    return {read: () for reads in graph.values() for read in reads} | graph


def tables_asked(model: Model) -> tuple[str, ...]:
    """The other tables without which a check must fail that keeps the model from publication."""
    asked = {
        check.to_table
        for check in model.checks
        if isinstance(check, Referential) and check.severity is Severity.ERROR
    }
    return tuple(sorted(asked - {model.name}))


def tables_needed(models: Mapping[str, Model]) -> dict[str, tuple[str, ...]]:
    """As `tables_read`, with the tables that checks ask about: a model waits for those too."""
    graph = tables_read(models)
    for name in sorted(models):
        asked = tables_asked(models[name])
        graph[name] = tuple(sorted({*graph[name], *asked}))
        for table in asked:
            graph.setdefault(table, ())
    return graph


def reverse(graph: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The graph with every edge turned round."""
    turned: dict[str, list[str]] = {name: [] for name in graph}
    for name in sorted(graph):
        for source in graph[name]:
            turned.setdefault(source, []).append(name)
    return {name: tuple(targets) for name, targets in turned.items()}


def build_order(models: Mapping[str, Model]) -> tuple[str, ...]:
    """The models' tables, each after all that it reads; the same for equal models.

    Where it may be either, a table that a referential check asks about comes before the one that
    asks, so that the check sees what this run makes of it.
    """
    reads = {name: set(models[name].query.tables) & set(models) for name in models}
    asked = {
        name: {check.to_table for check in models[name].checks if isinstance(check, Referential)}
        for name in models
    }
    order: list[str] = []
    waiting = set(models)
    while waiting:
        ready = [name for name in waiting if not reads[name] & waiting]
        if not ready:
            raise ValueError(f"these models read each other: {', '.join(sorted(waiting))}")
        first = min(ready, key=lambda name: (len(asked[name] & waiting - {name}), name))
        order.append(first)
        waiting.remove(first)
    return tuple(order)


def closure(names: Iterable[str], graph: Mapping[str, tuple[str, ...]]) -> set[str]:
    """All that can be reached from these by one edge or more."""
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        for each in graph.get(ahead.pop(), ()):
            if each not in found:
                found.add(each)
                ahead.append(each)
    return found


def _tree(root: str, graph: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The graph below a node; what was shown before is named again, but not unfolded."""
    shown: set[str] = set()

    def below(name: str, indent: str) -> Iterator[str]:
        shown.add(name)
        targets = graph.get(name, ())
        for place, target in enumerate(targets):
            is_last = place == len(targets) - 1
            is_repeat = target in shown and bool(graph.get(target))
            yield f"{indent}{'└─ ' if is_last else '├─ '}{target}{' (see above)' * is_repeat}"
            if not is_repeat:
                yield from below(target, indent + ("   " if is_last else "│  "))

    yield root
    yield from below(root, "")
