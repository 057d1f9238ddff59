"""What can go wrong, and what to do about it. On the ground floor, so that no room imports upwards to raise.

Every error says what happened and where in its message, and carries the next step in `remedy`. The exit code
belongs to the error, so that the same failure ends every command in the same way.
"""

from typing import ClassVar


class RunauditError(Exception):
    """Something a user can fix. `message` says what and where, `remedy` what to do next."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class UsageError(RunauditError):
    """The call cannot be understood: an unknown run, a missing file, a wrong option."""


class ConfigError(UsageError):
    """A configuration or policy file says something it cannot mean."""


class CanonicalError(UsageError):
    """A value has no canonical form, so it can be neither sealed nor compared."""


class RecordError(UsageError):
    """A record file is malformed: not JSON, duplicate keys, a section of the wrong type."""


class NoRunError(RecordError):
    """Nothing lies at a path, or no run that an import knows."""


class CaptureError(UsageError):
    """Something that went into the run cannot be recorded in full."""


class StoreError(RunauditError):
    """The store cannot be read or written: permissions, a full disk, something else in its place."""


class NothingToJudgeError(RunauditError):
    """Nothing was checked, or too little is known to judge. Never a pass."""

    exit_code: ClassVar[int] = 3


class IntegrityError(RunauditError):
    """Stored bytes do not match their digest, or the chain of launches is broken."""

    exit_code: ClassVar[int] = 4


class GuardRefusedError(RunauditError):
    """The guard did not let the run start."""

    exit_code: ClassVar[int] = 5


class StoppedError(RunauditError):
    """Whoever asked did not want to wait for the end (Ctrl-C). Says how far it came."""

    exit_code: ClassVar[int] = 130
