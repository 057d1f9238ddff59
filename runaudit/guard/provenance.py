"""RA1: is the code that will run on record, whole, and under a name that others can find again?

The patch and the untracked sources are stored in any case, so nothing is lost where one of these rules is waived. They
refuse all the same: a commit is what a colleague, a reviewer and a pull request can name.
"""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Mapping
from typing import Any

from runaudit.capture.interpreter import NO_INTERPRETER
from runaudit.capture.telling import keeps_secrets
from runaudit.errors import RunauditError
from runaudit.guard.facts import Code, TextNumber
from runaudit.guard.invocation import Invocation
from runaudit.guard.remedies import (
    add_all,
    commit_without_secrets,
    git_add_commit,
    git_config,
    git_ignore,
    git_ignore_files,
    shown,
)
from runaudit.records.finding import Finding, Severity
from runaudit.records.manifest import Manifest
from runaudit.rules import Rule
from runaudit.settings import GuardSettings
from runaudit.text.typed import typed_word
from runaudit.text.words import plural


class NotARepository(Rule):
    """The code is under version control.

    Without a repository there is no commit that names the code, only the sources this record stores."""

    code = "RA101"
    name = "not_a_repository"
    example = "/home/me/sr is not in a git repository, so no commit names the code"

    def check(self, code: Code) -> Iterator[Finding]:
        if not code.in_repository:
            yield self.finding(
                "code",
                f"{code.root} is not in a git repository, so no commit names the code",
                remedy=f"cd {typed_word(code.root)} && git init && {add_all(code)}",
            )


class NoCommit(Rule):
    """The repository has a commit.

    A branch without a commit names nothing."""

    code = "RA102"
    name = "no_commit"
    example = "the repository at /home/me/sr has no commit yet"
    requires = frozenset({"RA101"})

    def check(self, code: Code) -> Iterator[Finding]:
        if code.commit is None:
            yield self.finding(
                "code.commit",
                f"the repository at {code.root} has no commit yet",
                remedy=add_all(code),
            )


class DirtyTree(Rule):
    """The tracked files are as committed.

    A run on edited files shows the commit of the code it did not run."""

    code = "RA103"
    name = "dirty_tree"
    example = "2 tracked files changed since commit 1a2b3c4d5e6f: losses.py, train.py"
    requires = frozenset({"RA101", "RA102"})

    def check(self, code: Code, call: Invocation) -> Iterator[Finding]:
        if code.changed:
            yield self.finding(
                "code",
                f"{plural(len(code.changed), 'tracked file')} changed since commit {code.commit_short}: "
                f"{shown(code.changed)}",
                remedy=commit_without_secrets(code, code.changed, "what changed, and why"),
                evidence={"files": list(code.changed)},
            )
        if code.filtered:
            yield self.finding(
                "code",
                f"whether {shown(code.filtered)} {'is' if len(code.filtered) == 1 else 'are'} as committed is not "
                "known: a git filter turns the file into what git stores, and no filter is run",
                # `git status` would run it, and the repository may be a stranger's.
                remedy=f"read in {git_config(code.root)} what the filter would run; where they are as committed: "
                + call.plus("--waive", f"{self.code}=the filtered files are as committed"),
                evidence={"files": list(code.filtered)},
            )


class UntrackedSource(Rule):
    """Untracked files that the run could import.

    A module that git does not know changes from run to run unseen. Files that cannot be imported do not count, nor
    does what earlier runs wrote: outputs belong into .gitignore, not into a commit."""

    code = "RA104"
    name = "untracked_source"
    example = "1 file could be imported but is not in git: helper.py"
    requires = frozenset({"RA101", "RA102"})

    def check(self, code: Code) -> Iterator[Finding]:
        kept = tuple(path for path in code.untracked if keeps_secrets(path))
        if sources := tuple(path for path in code.untracked if path not in kept):
            verb = "is" if len(sources) == 1 else "are"
            yield self.finding(
                "code",
                f"{plural(len(sources), 'file')} could be imported but {verb} not in git: {shown(sources)}",
                remedy=commit_without_secrets(code, sources, "add what the run imports"),
                evidence={"files": list(sources)},
            )
        if kept:
            are = "is there to keep secrets and is" if len(kept) == 1 else "are there to keep secrets and are"
            yield self.finding(
                "code",
                f"{plural(len(kept), 'file')} {are} not ignored by git: {shown(kept)}",
                remedy=git_ignore_files(code.root, kept),
                evidence={"files": list(kept)},
            )
        if code.outputs:
            wrote = "was" if len(code.outputs) == 1 else "were"
            yield self.finding(
                "code",
                f"{plural(len(code.outputs), 'file')} in the tree {wrote} written by earlier runs, and no code: "
                f"{shown(code.outputs)}",
                remedy=git_ignore(code.root, code.outputs),
                evidence={"files": list(code.outputs)},
                severity=Severity.INFO,
            )


class SourceNotWhole(Rule):
    """The record of the code has no gap.

    What is too large to store, unreadable or outside the tree could change without a trace."""

    code = "RA105"
    name = "source_not_whole"
    example = "code.big.bin is not in the record: it is larger than what is kept"
    requires = frozenset({"RA101"})

    def check(self, code: Code, call: Invocation) -> Iterator[Finding]:
        for path, reason in code.gaps.items():
            yield self.finding(
                path,
                f"{path} is not in the record: {reason}",
                remedy=call.plus("--waive", f"{self.code}=it cannot change the result, because"),
            )


class DirtySubmodule(Rule):
    """Every submodule is at its recorded commit, unedited.

    The commit of a repository names the commits of its submodules, not the edits inside them."""

    code = "RA106"
    name = "dirty_submodule"
    example = "the submodule lib differs from the commit that the repository records"
    requires = frozenset({"RA101", "RA102"})

    def check(self, code: Code) -> Iterator[Finding]:
        for path in code.dirty_submodules:
            yield self.finding(
                f"code.{path}",
                f"the submodule {path} differs from the commit that the repository records",
                remedy=f"git -C {typed_word(path)} commit -am 'what changed, and why' && "
                f"{git_add_commit((path,), f'move {path}')}",
            )


class DirtySibling(Rule):
    """Packages installed in editable mode are as committed.

    An edit in a sibling checkout changes what is imported, and no commit of this repository shows it."""

    code = "RA107"
    name = "dirty_sibling"
    example = "the editable package lib at /home/me/lib differs from its commit"

    def check(self, code: Code) -> Iterator[Finding]:
        for name, root in code.dirty_siblings.items():
            yield self.finding(
                f"code.{name}",
                f"the editable package {name} at {root} differs from its commit",
                remedy=f"git -C {typed_word(root)} add -A && "
                f"git -C {typed_word(root)} commit -m 'what changed, and why'",
            )


class PackagesUnknown(Rule):
    """The versions of the packages are known.

    A new version of one library is enough to change a result."""

    code = "RA108"
    name = "packages_unknown"
    example = "no package versions were found: the interpreter did not answer"

    def check(self, manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        packages = manifest.section("env").get("packages")
        if not isinstance(packages, Mapping):
            # A shell script is no interpreter that could be asked; what it starts is seen while it runs.
            reason = manifest.reason("env.packages")
            seen = reason == NO_INTERPRETER
            yield self.finding(
                "env.packages",
                f"no package versions were found: {reason}",
                remedy=call.plus("--waive", f"{self.code}=this program imports no packages"),
                severity=Severity.INFO if seen else None,
            )


class MovedWhileCapturing(Rule):
    """The tree stood still while it was recorded.

    A file saved between two reads gives a record of code that never existed together; to try again costs a second."""

    code = "RA109"
    name = "moved_while_capturing"
    example = "1 file changed while the record was being made: train.py"
    waivable = False

    def check(self, moved: tuple[str, ...], call: Invocation) -> Iterator[Finding]:
        if moved:
            yield self.finding(
                "code",
                f"{plural(len(moved), 'file')} changed while the record was being made: {shown(moved)}",
                remedy=call.again(),
                evidence={"files": list(moved)},
            )


class InitUnknown(Rule):
    """A starting checkpoint is named by its digest.

    A path names whatever lies there today."""

    code = "RA110"
    name = "init_without_digest"
    example = "the run starts from a checkpoint whose digest is not recorded"

    def check(self, manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        init = manifest.section("init")
        if init.get("kind") in ("checkpoint", "resume") and not init.get("checkpoint"):
            yield self.finding(
                "init.checkpoint",
                f"the run starts from a {init['kind']} whose digest is not recorded",
                remedy=call.plus("--waive", f"{self.code}=the checkpoint cannot be read here, because"),
            )


class NotRecordable(Rule):
    """A record of the run can be made at all.

    A record with a part cut off restores into another program: a cap that is exceeded refuses, it never cuts."""

    code = "RA112"
    name = "not_recordable"
    example = "the file weights.bin is larger than a record may hold"
    waivable = False

    def check(self, failure: RunauditError | None) -> Iterator[Finding]:
        if failure is not None:
            yield self.finding("record", failure.message, remedy=failure.remedy)


class DamagedHistory(Rule):
    """The earlier records can be read.

    A record that does not match its digest cannot be compared with; this run's own record is not touched by it."""

    code = "RA113"
    name = "damaged_history"
    example = "1 earlier record cannot be read and compared with: 1a2b3c4d5e6f"
    severity = Severity.WARNING

    def check(self, damaged: tuple[str, ...]) -> Iterator[Finding]:
        if damaged:
            yield self.finding(
                "store",
                f"{plural(len(damaged), 'earlier record')} cannot be read and compared with: {shown(damaged)}",
                remedy="runaudit verify",
                evidence={"runs": list(damaged)},
            )


class Required(Rule):
    """Everything that the policy requires is on record.

    The project has said what no launch may lack; a policy that is not kept is none."""

    code = "RA111"
    name = "required_missing"
    example = "the policy requires eval, and this run does not record it: not given"

    def check(self, manifest: Manifest, policy: GuardSettings, call: Invocation) -> Iterator[Finding]:
        for name in policy.require:
            if name not in OWN_RULES and _lacks(manifest, name):
                yield self.finding(
                    name,
                    f"the policy requires {name}, and this run does not record it: {manifest.reason(name)}",
                    remedy=call.plus(*_option_for(name, self.code)),
                )


class NumberReadAsText(Rule):
    """Numbers in YAML are numbers to every reader.

    YAML 1.1, which PyYAML reads, takes `1e-4` for text, as it wants a dot and a sign. The record holds the number that
    is meant; a program that asks PyYAML is given the text, and may use it as that."""

    code = "RA114"
    name = "number_read_as_text"
    example = "`1e-4` in line 3 of train.yaml is text to YAML 1.1 (PyYAML) and a number in this record"
    severity = Severity.WARNING

    def check(self, read_as_text: tuple[TextNumber, ...]) -> Iterator[Finding]:
        if read_as_text:
            one = read_as_text[0]
            rest = f"; so are {len(read_as_text) - 1} more" if len(read_as_text) > 1 else ""
            yield self.finding(
                "config",
                f"`{one.text}` in line {one.line} of {one.file} is text to YAML 1.1 (PyYAML) and a number in this "
                f"record{rest}",
                remedy=f"write {one.as_float} where the number is meant, '{one.text}' where the text is",
                evidence={"places": [f"{one.file}:{one.line}: {one.text}" for one in read_as_text]},
            )


OWN_RULES = frozenset({"label", "seed", "config", "data"})
"""Sections that have rules of their own."""


def _lacks(manifest: Manifest, path: str) -> bool:
    value: Any = manifest.body
    for word in path.split("."):
        if not isinstance(value, Mapping) or word not in value:
            return True
        value = value[word]
    return value is None or value in ({}, (), "")


def _option_for(name: str, code: str) -> tuple[str, str]:
    options = {"intent": ("--intent", "FACTOR")}
    return options.get(name, ("--waive", f"{code}=this run has no {name}, because"))


RULES: tuple[Rule, ...] = (
    NotARepository(),
    NoCommit(),
    DirtyTree(),
    UntrackedSource(),
    SourceNotWhole(),
    DirtySubmodule(),
    DirtySibling(),
    PackagesUnknown(),
    MovedWhileCapturing(),
    InitUnknown(),
    Required(),
    NotRecordable(),
    DamagedHistory(),
    NumberReadAsText(),
)
