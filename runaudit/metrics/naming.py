"""What a metric is called: in full, by the end of its name, or by another name that the policy gives it.

Asked by everyone who takes the name of a metric from a person, so that no two commands disagree on which one is meant.
A name that could be several is none of them: a guess would judge, sort or filter by another metric than was meant.
"""

from collections.abc import Collection, Iterable, Mapping, Set

from runaudit.metrics.catalogue import is_quantity


def meant(
    name: str, known: Collection[str], *, aliases: Mapping[str, str] | None = None, is_directed: bool = False
) -> tuple[str, ...]:
    """The metrics that a name could mean: one where it is clear, several where it is not, none where it is unknown.

    known: the recorded names; aliases: other name -> recorded name. A metric that was measured on sequences is meant by
    what stands before their names, if that is one quantity (`is_directed`: it was declared so).
    """
    proper = (aliases or {}).get(name, name)
    for word in dict.fromkeys((name, proper)):
        if word in known or (sequence_names(known, word) and is_quantity(word, is_directed=is_directed)):
            return (word,)
    return tuple(sorted(other for other in all_names(known) if other.endswith(f"/{proper}")))


def sequence_names(known: Iterable[str], name: str) -> tuple[str, ...]:
    """The sequences of a metric among these names, without its prefix."""
    found = (other.removeprefix(f"{name}/") for other in known if other.startswith(f"{name}/"))
    return tuple(sorted(other for other in found if "/" not in other))


def parents(known: Iterable[str]) -> set[str]:
    """The metrics of which these names could be sequences."""
    found = {name.rpartition("/")[0] for name in known} - {""}
    return {name for name in found if is_quantity(name)}


def all_names(known: Iterable[str]) -> Set[str]:
    """These names, and the metrics of which they are sequences."""
    names = set(known)
    return names | parents(names)


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """The names there are by what a person may have meant: those that hold it as a part, before those that look like
    it."""
    import difflib  # only where something was mistyped

    names = sorted(set(known))
    parts = [other for other in names if name and name in other.replace("/", ".").replace("_", ".").split(".")]
    like = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    return list(dict.fromkeys((*parts, *like)))[:4]
