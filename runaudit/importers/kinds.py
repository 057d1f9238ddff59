"""What can be imported, by the word that a user types. Light: `--help` reads it."""

BUNDLE = "bundle"
"""What `export` wrote: it comes back under the ids that it had."""
KINDS = {
    # kind: module:function of (path) -> (imported, skipped)
    "record": "runaudit.importers.record:read_records",
    "wandb": "runaudit.importers.wandb_folder:read_runs",
}
"""A new importer is its module and its line here."""


def kind_words() -> list[tuple[str, str]]:
    """Every word that names a kind, as a shell may offer it."""
    return [(word, "") for word in (*KINDS, BUNDLE)]
