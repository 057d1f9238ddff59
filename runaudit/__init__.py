"""runaudit: a run is sealed before it starts, recorded while it runs, judged after it ends, shown on one page."""

__version__ = "0.1.0"
