"""A store whose log is damaged, as far as it can still be read: to be shown, never to be judged by.

Who looks for what is left of it must not be stopped by one line. So lines that cannot be parsed are passed over and
the chain is not held against anything; whoever shows what was found so says what is wrong beside it.
"""

from collections.abc import Callable, Iterator

from runaudit.errors import IntegrityError
from runaudit.store.line import entry_of
from runaudit.store.store import Store


class SalvagedStore(Store):
    """The store at the same place. Every line of its log that can be read by itself counts."""

    def existing(self, *, as_it_is: bool = False) -> "Store":
        """This store, for whoever asks again."""
        return self

    def whole_log(self, known: Callable[[bytes], int] = lambda _: 0) -> bytes:
        """The lines of the log that can be read, whatever lies between them."""
        whole = b"".join(self._readable())
        known(whole)  # Who asks learns what there is; how much of it was whole before is no matter here.
        return whole

    def _readable(self) -> Iterator[bytes]:
        raw = self.log_bytes()
        for number, line in enumerate(raw[: raw.rfind(b"\n") + 1].split(b"\n")[:-1], start=1):
            try:
                entry_of(line, number)
            except IntegrityError:
                continue
            yield line + b"\n"
