# SPDX-License-Identifier: Apache-2.0
"""The rows from which relations lead to one of a given set of rows, found from that set.

Looking from each row whether it leads there costs as many looks as there are rows; here each step of the
way is walked once, backwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from cheoyong.records.nouns import NOUNS, Relation
from cheoyong.records.scalars import Parameters

# An observation's feature may be the place of its thing: the datastreams of those places are few.
_AT_PLACES = (
    "(n.feature_id IS NULL AND n.datastream_id = ANY"
    " (ARRAY(SELECT d.id FROM datastream d JOIN (SELECT l.thing_id, -min(l.location_id) AS place"
    " FROM thing_location l GROUP BY l.thing_id) f USING (thing_id) WHERE f.place IN ({ids}))))"
)
_OBSERVATIONS_OF = f"(n.feature_id IS NOT NULL AND n.feature_id IN ({{ids}}) OR {_AT_PLACES})"


def among_sql(noun: str, way: Sequence[str], ids: Sequence[int], parameters: Parameters) -> str:
    """The SQL of: from row ``n`` of ``noun`` the way leads to one of the rows with these ids.

    It is NULL only where a relation to one leads nowhere.

    >>> among_sql("thing", ("locations",), [7], Parameters())
    'n.id IN (SELECT l.thing_id FROM thing_location l WHERE l.location_id IN (SELECT n.id FROM location n \
WHERE n.id = ANY ($1::bigint[])))'
    """
    if not way:
        return f"n.id = ANY ({parameters.add(list(ids), 'bigint[]')})"
    if not ids:
        return "false"
    relation = NOUNS[noun].relations[way[0]]
    if (noun, *way) == ("observation", "feature") and all(row_id < 0 for row_id in ids):
        return _AT_PLACES.format(ids=f"SELECT unnest({parameters.add(list(ids), 'bigint[]')})")
    inner = among_sql(relation.target, way[1:], ids, parameters)
    source = NOUNS[relation.target].source
    found = f"SELECT n.id FROM {source} n WHERE {inner}"
    if (noun, way[0]) == ("observation", "feature"):
        return _OBSERVATIONS_OF.format(ids=found)
    if relation.key:
        return f"{relation.key} IN ({found})"
    back = _back(noun, relation)
    if back.key:
        return f"n.id IN (SELECT {back.key} FROM {source} n WHERE {inner} AND {back.key} IS NOT NULL)"
    return back.condition.replace("= {parent}", f"IN ({found})")


def _back(noun: str, relation: Relation) -> Relation:
    """The relation that leads back; there is one for each."""
    [back] = [item for item in NOUNS[relation.target].relations.values() if item.target == noun]
    return back
