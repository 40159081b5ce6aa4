"""From events to people: which person each belongs to, and what its identifiers tell anew.

The common event (known identifiers, known link) costs its share of a few look-ups a batch. Only a
new link, an earlier time for one, or new proof can change who is who:

- A link that comes, in the canonical order of `rules`, after all links of the two people it
  touches cannot change what was decided before: it joins them, or not.
- Any other is a repair: the two people are replayed together with everybody they have a link to.
  If one of those comes out changed, he is taken in and it is done again; if none does, nobody
  further away can have changed either. The result is that of a replay of everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from cdp.identity import rules
from cdp.identity.graph import Graph
from cdp.identity.nodes import Ident, Link, NewIdent, pair_of


@dataclass(slots=True)
class Sighting:
    """Identifiers seen in one event: `ids` are entries {"kind", "key", "shown"?, "enc"?}."""

    seq: int
    at: datetime
    source_id: int
    message_id: str
    ids: Sequence[dict]
    prove: bool = False
    usable: list[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.usable = rules.by_strength((one["kind"], one["key"]) for one in self.ids)


def resolve(session: Session, sightings: Sequence[Sighting]) -> Graph:
    """Take up the sightings in their order; the graph as it is afterwards, not yet saved.

    The person of a sighting is that of its strongest identifier: `owner(graph, sighting)`.
    """
    graph = Graph(session)
    graph.load_keys(one for sighting in sightings for one in sighting.usable)
    born = _create(graph, sightings)
    ties = [_ties(graph, sighting) for sighting in sightings]
    _prefetch(graph, ties, born)
    for place, (sighting, own) in enumerate(zip(sightings, ties, strict=True)):
        for one in sighting.usable:
            graph.by_key[one].seen(sighting.at)
        for tie in own:
            if not tie.known(graph):
                position, seq = tie.position, sighting.seq
                _connect(graph, tie.a, tie.b, position, seq, lambda n, i=place: born.get(n) == i)
    return graph


def owner(graph: Graph, sighting: Sighting) -> int | None:
    """The person that a sighting belongs to; None if nothing in it identifies anybody."""
    return graph.by_key[sighting.usable[0]].person if sighting.usable else None


def repair(graph: Graph, people: Iterable[int], is_born=lambda number: False) -> None:
    """Decide anew who these people are, and whoever else is changed by that."""
    concerned = set(people)
    while True:
        held = _held(graph, concerned)
        kinds = {number: graph.idents[number].kind for number in held}
        links = _usable_links(graph, held)
        groups, joins = rules.replay(kinds, links, graph.parted)
        changed = {
            graph.idents[number].person
            for number in held
            if graph.idents[number].person not in concerned
            and set(groups[number].ids) != graph.members[graph.idents[number].person]
        }
        if not changed:
            break
        concerned |= changed
    _apply(graph, concerned, groups, joins, is_born)


def _create(graph: Graph, sightings: Sequence[Sighting]) -> dict[int, int]:
    """Store what was never seen; identifier → the place of the sighting that brought it."""
    fresh: dict[tuple[str, str], NewIdent] = {}
    brought: dict[tuple[str, str], int] = {}
    for place, sighting in enumerate(sightings):
        entries = None
        for one in sighting.usable:
            if one in graph.by_key or one in fresh:
                continue
            entries = entries or {(entry["kind"], entry["key"]): entry for entry in sighting.ids}
            entry = entries[one]
            fresh[one] = NewIdent(*one, entry.get("shown"), entry.get("enc"), sighting.at)
            brought[one] = place
    graph.create(list(fresh.values()))
    return {graph.by_key[one].id: place for one, place in brought.items()}


def _prefetch(graph: Graph, ties: Sequence[Sequence[_Tie]], born: dict[int, int]) -> None:
    """Read the batch's links, and the people that new ones concern, in one go each."""
    every = [tie for own in ties for tie in own]
    graph.load_pairs(tie.pair for tie in every if not (tie.a.id in born or tie.b.id in born))
    people = {
        one.person
        for tie in every
        if not tie.known(graph)
        for one in (tie.a, tie.b)
        if not one.shared
    }
    graph.load_people(people)


@dataclass(slots=True)
class _Tie:
    """A sighting's strongest identifier with another one of it, the `place`-th."""

    a: Ident
    b: Ident
    pair: int
    sighting: Sighting
    proof: bool
    place: int

    @property
    def position(self) -> str:
        """Its place in the canonical order."""
        seen = self.sighting
        return rules.position(self.proof, seen.at, seen.source_id, seen.message_id, self.place)

    def known(self, graph: Graph) -> bool:
        """Whether the two were seen together before, in the canonical order."""
        link = graph.links.get(self.pair)
        if link is None:
            return False
        # Mostly the time alone says so.
        opening = rules.opening(self.proof, self.sighting.at)
        return link.place[: len(opening)] < opening or link.place <= self.position


def _ties(graph: Graph, sighting: Sighting) -> Sequence[_Tie]:
    """A sighting's strongest identifier with each of its others."""
    usable = sighting.usable
    if len(usable) < 2:
        return ()
    a = graph.by_key[usable[0]]
    made = []
    for place, one in enumerate(usable[1:]):
        b = graph.by_key[one]
        proof = rules.is_proof(sighting.prove, a.kind, b.kind)
        made.append(_Tie(a, b, pair_of(a.id, b.id), sighting, proof, place))
    return made


def _connect(graph: Graph, a: Ident, b: Ident, position: str, seq: int, is_born) -> None:
    """Take up one pair seen together, or seen together earlier than was known."""
    link = graph.links.get(pair_of(a.id, b.id))
    joining = [one for one in (a, b) if not one.shared]
    graph.load_people(one.person for one in joining)
    around = [number for one in joining for number in graph.members[one.person]]
    last = max((graph.idents[number].last_link for number in around), default="")
    if link is None:
        graph.add_link(a, b, position, seq)
    else:
        graph.move_link(link, position, seq)
        if a.person == b.person and a.alone_with_one and b.alone_with_one:
            # It joined them, and there is no other link that could have been before it.
            return
    newly = [one for one in joining if rules.crowded(one.kind, one.seen_with)]
    for one in newly:
        one.shared = one.changed = True
    if newly or (joining and (link is not None or position <= last)):
        repair(graph, {one.person for one in joining}, is_born)
    elif len(joining) == 2:
        _join_latest(graph, a, b, position, is_born)


def _join_latest(graph: Graph, a: Ident, b: Ident, position: str, is_born) -> None:
    """Join the people of the latest link of both, if the rules let it."""
    beyond = a.seen_with[b.kind] > rules.CROWD or b.seen_with[a.kind] > rules.CROWD
    if a.person == b.person or beyond:
        return
    one, other = (_group(graph, ident.person) for ident in (a, b))
    if not rules.may_join(one, other, rules.proven(position), graph.parted):
        return
    winner, loser = sorted((a.person, b.person))
    if not (is_born(winner) or is_born(loser)):
        graph.merged(winner, loser, (position, a.id, b.id))
    graph.assign(winner, list(graph.members[loser]))


def _group(graph: Graph, person: int) -> rules.Group:
    group = rules.Group(list(graph.members[person]))
    for number in group.ids:
        kind = graph.idents[number].kind
        group.kinds[kind] = group.kinds.get(kind, 0) + 1
    return group


def _held(graph: Graph, concerned: set[int]) -> set[int]:
    """The identifiers of these people and of everybody they have a link to, with their links."""
    graph.load_people(concerned)
    own = {number for person in concerned for number in graph.members[person]}
    graph.load_links(own)
    ends = {other for number in own for other in graph.around.get(number, ())}
    graph.load_idents(ends)
    near = {graph.idents[number].person for number in ends if not graph.idents[number].shared}
    graph.load_people(near)
    held = {number for person in concerned | near for number in graph.members[person]}
    graph.load_links(held)
    return held


def _usable_links(graph: Graph, held: set[int]) -> list[rules.Edge]:
    """The links among these that count at both of their ends."""
    count: dict[int, int] = {}
    for number in held:
        for pair in _counting(graph, graph.idents[number]):
            count[pair] = count.get(pair, 0) + 1
    return [
        (link.place, link.a, link.b)
        for pair, times in count.items()
        if times == 2
        for link in (graph.links[pair],)
    ]


def _counting(graph: Graph, ident: Ident) -> Iterable[int]:
    """The pairs of those links that count for one end: the earliest of each kind."""
    if ident.shared:
        return
    by_kind: dict[str, list[Link]] = {}
    for link in graph.around.get(ident.id, {}).values():
        by_kind.setdefault(link.kind_beside(ident.id), []).append(link)
    for links in by_kind.values():
        if len(links) > rules.CROWD:
            links = sorted(links, key=lambda link: link.place)[: rules.CROWD]
        for link in links:
            yield pair_of(link.a, link.b)


def _apply(graph: Graph, concerned: set[int], groups, joins: list[rules.Edge], is_born) -> None:
    """Give the identifiers to the people they came out as, and note who was merged."""
    heads = [one for one in concerned if graph.members[one] and not is_born(one)]
    numbers = [number for person in concerned for number in graph.members[person]]
    done: set[int] = set()
    for number in numbers:
        group = groups[number]
        if id(group) not in done:
            done.add(id(group))
            graph.assign(min(group.ids), group.ids)
    for head in sorted(heads):
        winner = graph.idents[head].person
        if winner != head:
            graph.merged(winner, head, rules.evidence(joins, winner, head))
