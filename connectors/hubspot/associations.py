"""Which records are linked to which, read in batches and never guessed.

``POST /crm/v4/associations/{from}/{to}/batch/read`` takes 1,000 ids. A record without links is
not in its results but in its errors, as NO_ASSOCIATIONS_FOUND, with status 207; any other error
means that links could not be read, which is not the same as there being none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors.hubspot import answers
from connectors.hubspot.door import Door
from connectors.hubspot.paths import Paths
from connectors.hubspot.verdicts import RefusedError
from syncd.connector import Association
from syncd.errors import AccessError, IncompleteReadError

BATCH = 1000

_PRIMARY_TYPES = frozenset({1, 2, 5, 6, 25, 26})  # primary company: contact, deal, ticket, reversed
_PRIMARY = "primary"

Links = dict[str, tuple[str, ...]]


class Associations:
    """Reads links of records."""

    def __init__(self, door: Door, paths: Paths) -> None:
        """Contacts nothing."""
        self._door = door
        self._paths = paths

    def links(
        self, object: str, wanted: Sequence[Association], ids: Sequence[str]
    ) -> dict[str, Links]:
        """For each id its links by association key; every key is there, maybe empty.

        Raises IncompleteReadError when HubSpot cannot say.
        """
        found: dict[str, Links] = {id: {a.key: () for a in wanted} for id in ids}
        for to in dict.fromkeys(a.to for a in wanted):
            members = [a for a in wanted if a.to == to]
            for id, targets in self._by_path(object, to.split("."), ids).items():
                for association in members:
                    found[id][association.key] = _pick(targets, association.label)
        return found

    def _by_path(
        self, object: str, path: Sequence[str], ids: Sequence[str]
    ) -> dict[str, list[Mapping[str, Any]]]:
        """Targets at the end of a path such as deals, companies; what lies nearest goes first."""
        targets = self._targets(object, path[0], ids)
        if len(path) == 1:
            return targets
        near = {id: _pick(found, None) for id, found in targets.items()}
        between = list(dict.fromkeys(target for found in near.values() for target in found))
        far = self._by_path(path[0], path[1:], between) if between else {}
        return {
            id: [target for one in found for target in far.get(one, ())]
            for id, found in near.items()
        }

    def _targets(
        self, object: str, to: str, ids: Sequence[str]
    ) -> dict[str, list[Mapping[str, Any]]]:
        targets: dict[str, list[Mapping[str, Any]]] = {}
        path = f"{self._paths.associations(object, to)}/batch/read"
        inputs: list[dict[str, str]] = [{"id": id} for id in dict.fromkeys(ids)]
        asked = set(ids)
        followed: set[tuple[str, str]] = set()
        while inputs:
            batch, inputs = inputs[:BATCH], inputs[BATCH:]
            answer = self._ask(path, batch, object, to)
            _raise_if_unread(answer, object, to)
            for result in answer.get("results") or ():
                id = str(result["from"]["id"])
                if id not in asked:
                    continue
                targets.setdefault(id, []).extend(result.get("to") or ())
                after = ((result.get("paging") or {}).get("next") or {}).get("after")
                if after and (id, str(after)) not in followed:
                    followed.add((id, str(after)))
                    inputs.append({"id": id, "after": str(after)})
        return targets

    def _ask(self, path: str, inputs: list[dict[str, str]], object: str, to: str) -> answers.Answer:
        try:
            return self._door.rows("POST", path, bears=("from", "to"), body={"inputs": inputs})
        except (AccessError, RefusedError) as error:
            # It costs what depends on these links, not the object.
            raise AccessError(
                f"which {to} are linked to {object} cannot be read. {error}",
                object=object,
                fields=(to,),
                remedy=getattr(error, "remedy", ""),
                code=error.code,
            ) from error


def _raise_if_unread(answer: answers.Answer, object: str, to: str) -> None:
    for error in answers.errors(answer):
        # A record that is gone by now has no links either.
        said = f"{error.get('subCategory')} {error.get('category')}"
        if "NO_ASSOCIATIONS_FOUND" not in said and "OBJECT_NOT_FOUND" not in said:
            words = answers.complaint(error)
            raise IncompleteReadError(
                f"HubSpot could not read which {to} are linked to {object}: "
                f"{words.message or words.code}"
            )


def _pick(targets: Iterable[Mapping[str, Any]], label: str | None) -> tuple[str, ...]:
    """The linked ids, each once, the primary one first; of `label`, only those that bear it."""
    primary: dict[str, None] = {}
    rest: dict[str, None] = {}
    for target in targets:
        types = target.get("associationTypes") or ()
        id = str(target.get("toObjectId") or target["id"])
        if label is not None and label.casefold() not in _labels(types):
            continue
        if _is_primary(types):
            primary[id] = None
        else:
            rest[id] = None
    return tuple({**primary, **rest})


def _labels(types: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for type in types:
        if type.get("label"):
            yield str(type["label"]).casefold()
        if type.get("category") == "HUBSPOT_DEFINED" and type.get("typeId") in _PRIMARY_TYPES:
            yield _PRIMARY


def _is_primary(types: Iterable[Mapping[str, Any]]) -> bool:
    return _PRIMARY in _labels(types)
