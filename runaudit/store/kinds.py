"""The kinds of line that the log has, each once. A line of another kind is a newer runaudit's, and is kept as it is."""

MANIFEST = "manifest"
ENDINGS = ("outcome", "correction")
"""How a run ended."""
RECORDS = (MANIFEST, *ENDINGS)
"""Lines whose object is a record, with more objects behind it."""
LOOK, REPAIR, FORGET, IMPORTED, GC = "look", "repair", "forget", "imported", "gc"
NOTE, ARCHIVE, UNARCHIVE, SUPERSEDED, LAUNCHED = "note", "archive", "unarchive", "superseded", "launched"
REMARKS = (NOTE, ARCHIVE, UNARCHIVE, SUPERSEDED, LAUNCHED)
"""What is said of a run after it was sealed."""
NOT_TOLD = (LOOK, REPAIR, FORGET, GC, ARCHIVE, UNARCHIVE, SUPERSEDED, LAUNCHED)
"""Lines whose objects are the log's own account: without them it would not add up."""
CARRIED = (*RECORDS, LOOK, *REMARKS)
"""The kinds of line that a bundle may bring into a log."""
KNOWN = (*CARRIED, REPAIR, FORGET, IMPORTED, GC)
