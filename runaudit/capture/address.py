"""Addresses without who opens them: a remote is where code lies, and not who may fetch it."""

import re
from urllib.parse import urlsplit


def without_user(url: str) -> str:
    """A URL without user, password and query; an scp-like address (`git@host:path`) without its user."""
    if "://" in url:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=host, query="", fragment="").geturl()
    return re.sub(r"^[^@/\s:]+(?::[^@/\s]*)?@(?=[^/\s]+:)", "", url)
