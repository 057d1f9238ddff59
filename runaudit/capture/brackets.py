"""What a reader of code, settings or prose knows at a place within brackets, and the values that it puts together."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Bracket:
    """What is known at a place within one bracket. `above`: the name that governs what stands in it; `owner`: the one
    that governs its `default=`; `said`: a telling text in it."""

    opened: str = ""
    above: str = ""
    owner: str = ""
    said: str = ""
    target: str = ""
    loose: bool = False
    last: str = ""
    is_text: bool = False
    paired: str = ""
    full: bool = False
    sure: bool = False
    """Whether what stands in it is given: `set_password("…")`."""
    opens_block: bool = False
    """Whether the target is a name before a colon, which at the end of a line begins a block of code."""

    @property
    def is_between(self) -> bool:
        """Whether what comes next is governed by no name but its own, or, where that says nothing, by `said`."""
        return not (self.above or self.target or self.last or self.paired)

    def anew(self) -> None:
        """A statement or an item ends."""
        self.target = self.last = self.paired = ""
        self.loose = self.is_text = self.full = self.opens_block = False


@dataclass(slots=True)
class Value:
    """Texts that are one value, put together by `+` or by standing side by side: places, and the whole of it."""

    name: str
    loose: bool
    spans: list[tuple[int, int]] = field(default_factory=list)
    whole: str = ""
