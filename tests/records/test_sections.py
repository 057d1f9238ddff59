"""A section that records share is read once, and a record read by sections is the one that the strict reader gives."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.errors import RecordError
from runaudit.records import manifest as manifests
from runaudit.records.canonical import canonical_bytes, canonical_table, frozen, parse_canonical
from runaudit.records.manifest import MANIFEST_SCHEMA, Manifest
from runaudit.records.sections import MOST, Kept, OfSection, Sections
from runaudit.records.shape import MANIFEST_PARTS

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
BODIES = st.fixed_dictionaries({}, optional={
    "seed": SCALARS, "config": st.dictionaries(st.text(), TREES, max_size=4), "label": st.text(), "more_of_it": TREES,
    "env": st.fixed_dictionaries({}, optional={"python": st.text(), "packages": st.dictionaries(st.text(), st.text())}),
})  # fmt: skip


def strictly(raw):
    """As a record was read before any section was shared."""
    value = parse_canonical(raw, where="a record")
    return Manifest.of(value)


@given(st.lists(BODIES, min_size=1, max_size=4))
def test_records_read_one_after_the_other_are_what_each_says_alone(bodies):
    for body in bodies:
        raw = canonical_bytes({"schema": MANIFEST_SCHEMA, **body})
        found, strict = Manifest.from_bytes(raw, where="a record"), strictly(raw)
        assert canonical_bytes(found.body) == canonical_bytes(strict.body) == raw
        assert list(found.body) == list(strict.body)
        assert found.raw == raw


def test_a_section_that_records_share_is_one_object():
    raws = [canonical_bytes({"schema": MANIFEST_SCHEMA, "seed": n, "env": {"python": "3.12"}}) for n in range(2)]
    first, second = (Manifest.from_bytes(raw, where="a record") for raw in raws)
    assert first.body["env"] is second.body["env"]
    assert first.seed != second.seed


@pytest.mark.parametrize("env", ['{"python":"3.12"}', '{"python":"3.1"}', '{"python":"3.12","torch":"2"}', "{}"])
def test_a_section_that_begins_like_a_known_one_is_not_taken_for_it(env):
    Manifest.from_bytes(canonical_bytes({"schema": MANIFEST_SCHEMA, "env": {"python": "3.12"}}), where="a record")
    raw = f'{{"env":{env},"schema":"{MANIFEST_SCHEMA}"}}'.encode()
    assert dict(Manifest.from_bytes(raw, where="a record").body["env"]) == json.loads(env)


@pytest.mark.parametrize(
    "text",
    [
        '{"env":{"python":"3.12","python":"3.11"},"schema":"S"}',
        '{"env":{"python":"3.12"},"env":{"python":"3.12"},"schema":"S"}',
        '{"env":{"python":"3.12"}"schema":"S"}',
        '{"env":{"python":"3.12"},"schema":"S"} ',
        '{"env":{"python":"3.12"},"schema":"S"}}',
        '{"env":{"python":["3.12"]},"schema":"S"}',
        '{"env":[],"schema":"S"}',
        '{"code":{"files":{"a.py":{"digest":"none"}}},"schema":"S"}',
        '{"env":{"python":"3.12"},"schema":"T"}',
        '{"env":{"python":"3.12"}',
        "[]",
        "",
    ],
)
def test_what_is_wrong_with_a_record_is_said_in_the_strict_readers_words(text):
    raw = text.replace('"S"', f'"{MANIFEST_SCHEMA}"').encode()
    Manifest.from_bytes(canonical_bytes({"schema": MANIFEST_SCHEMA, "env": {"python": "3.12"}}), where="another")
    told = []
    for read in (lambda: Manifest.from_bytes(raw, where="a record"), lambda: _by_the_strict_reader(raw)):
        try:
            told.append(canonical_bytes(read().body))
        except RecordError as error:
            told.append((error.message, error.remedy))
    assert told[0] == told[1]


def _by_the_strict_reader(raw):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(manifests, "_SECTIONS", type("No", (), {"read": lambda *_: None})())
        return Manifest.from_bytes(raw, where="a record")


def test_a_word_that_records_share_is_not_taken_for_one_that_begins_like_it():
    reader = Sections(MANIFEST_PARTS)
    for schema in (1, 12, "a", "ab", "a", 1, [1], {"a": 1}, "a"):
        assert reader.read(canonical_bytes({"schema": schema})) == frozen({"schema": schema})


def test_no_more_sections_are_kept_than_are_said():
    reader = Sections(MANIFEST_PARTS)
    for number in range(5 * MOST):
        reader.read(canonical_bytes({"config": {"lr": number}, "schema": MANIFEST_SCHEMA}))
    assert max(map(len, reader._kept.values())) == MOST


def test_what_was_made_of_a_section_is_not_given_for_another():
    kept, asked = Kept(), []
    for number in range(500):
        section = frozen({"lr": number % 7})  # Its id is given again to one of the next.
        asked.append(kept.get("it", (section,), lambda section=section: section["lr"]) == number % 7)
    assert all(asked)


def test_a_question_of_a_section_is_asked_again_for_another_in_its_place():
    ask = OfSection(lambda section: section["lr"])
    assert all(ask(frozen({"lr": number % 7})) == number % 7 for number in range(500))


@given(st.dictionaries(st.text(), SCALARS | st.lists(SCALARS, max_size=2), max_size=8))
def test_a_table_of_members_is_written_as_any_mapping(table):
    try:
        whole = canonical_bytes(table)
    except Exception as error:
        with pytest.raises(type(error)):
            canonical_table(table)
    else:
        assert canonical_table(table) == whole
