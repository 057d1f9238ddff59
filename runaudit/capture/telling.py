"""Names that tell of a secret: a value under `api_key` is one whatever it looks like, under `token` if it looks so.

The field's own words (`tokenizer`, `max_tokens`, `mask_token`, `key_dim`, `cache_key`) tell of none, and a value that
only points at a secret (`${DB_PASSWORD}`, `os.environ[...]`, `<your key>`) is none.
"""

import os
import re
from collections.abc import Callable

from runaudit.capture.looks import (
    is_credible,
    is_key_material,
    is_mixed,
    is_number,
    is_of_both_cases,
    is_place,
    is_put_together,
)

MARK = re.compile(r"<redacted:[^<>\s]{1,80}>")
"""What stands where a secret stood."""
_TRACKERS = (
    "hf|huggingface|wandb|github|gitlab|bitbucket|slack|discord|telegram|comet|neptune|mlflow|clearml|"
    "openai|anthropic|cohere|groq|mistral|replicate|pinecone|aws|azure|gcp|google|kaggle|stripe|twilio|sendgrid|"
    "mailgun|sentry|datadog|npm|pypi|docker"
)
_PROVIDERS = (
    f"{_TRACKERS}|hub|bot|api|session|together|vault|webhook|sas|oauth|jwt|csrf|bearer|pull|push|deploy|service|login"
    "|user"
)
_ALWAYS = re.compile(
    r"(?:^|[^a-z])(?:pass(?:word|wort|wd|phrase|code)|(?:user_?)?pwd|secret|credentials?|"
    r"(?:db|user|admin|root|smtp|mail|ftp|mysql|pg|postgres|redis|mongo|proxy|http|login|ssh|sudo|api|wifi)_?(?:pass|pw)|"
    r"(?:private|api|access|secret|account|signing|encryption|auth|client|storage|master|shared|subscription|license"
    rf"|deploy|session|service|ssh|{_PROVIDERS})_?key|"
    r"client_?secret|bearer|connection_?string|conn_?str|"
    rf"(?:auth|access|refresh|id|secret|personal_access|{_PROVIDERS})_?token)s?(?:_?id|_?value|_?text)?$"
)
_TOKEN = re.compile(
    r"(?:^|[^a-z])(?:token|auth|authorization|cookie|dsn|pat|pass|pw|creds?|jwt|access|sas|signature|webhook)$"
)
"""Names that are ordinary words of the field too (`pooling.token = "cls"`): only a value that looks random counts."""
_MANY = re.compile(r"(?:^|[^a-z])(?:tokens|cookies|jwts)$")
"""Several of them; what a text is cut into is called so, too, and counted: only what nobody would write is a secret."""
_CARRIER = re.compile(r"(?:^|[^a-z])(?:token|auth|authorization|cookie|pat|pass|pw|creds?|jwt)$")
"""Those of them under which a drawn value is a secret; a `signature` is a digest as well."""
_OF_TEXT = re.compile(
    r"(?:^|_)(?:pad|eos|bos|cls|sep|mask|unk|image|img|video|audio|special|start|end|begin|stop|new|extra|prefix|suffix|"
    r"class|bot|eot|sot|user_turn|system|next|first|last|sentinel|blank|space|word|no|timestamps?)_?token$"
)
_KEY = re.compile(r"(?:^|_)key$")
_OF_PLACES = re.compile(
    r"(?:^|_)(?:cache|sort|primary|foreign|partition|group|dict|batch|image|label|target|input|output|data|feature|metric|"
    r"state|public|host|row|index|search|lookup|map|json|yaml|hash|digest|object|s3|bucket|file|blob|commit|tree|content"
    r"|artifact|checkpoint|dataset|run|idempotency|dedup|query|kv|routing|order|join)_key$"
)
_GIVEN = re.compile(
    r"(?:^|[^a-z])(?:pass(?:word|wort|wd|phrase|code)|"
    r"(?:db|user|admin|root|smtp|mail|ftp|mysql|pg|postgres|redis|mongo|proxy|http|login|ssh|sudo|api|wifi)_?(?:pass|pw)|"
    rf"(?:api|{_TRACKERS})_?(?:key|token))s?$"
)
"""Names that mean nothing else, whatever a project calls its parts; `pwd` is a folder too, `storage_key` an object."""
_PASS = re.compile(
    r"(?:^|[^a-z])(?:pass(?:word|wort|wd|phrase|code)|"
    r"(?:db|user|admin|root|smtp|mail|ftp|mysql|pg|postgres|redis|mongo|proxy|http|login|ssh|sudo)_?(?:pass|pw))$"
)
"""Those of them that a person chooses, words among them: what opens a door chose nothing behind it."""
_SETTING = re.compile(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?|(?i:true|false|on|off|yes|no|auto|none|null)|.*\s.*")
"""A number, a switch, a sentence: what even under such a name may have been a choice."""
_ONLY = re.compile(
    rf"{_GIVEN.pattern}|(?:^|[^a-z])(?:(?:private|access|secret|encryption|auth)_?key|(?:auth|access|refresh|personal_access)_?token"
    r"|(?:client_?)?secret|token|authorization|bearer)s?$"
)
"""Names under which hexadecimal is a key, too, and no digest."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NUMBERED = re.compile(r"_?\d{1,3}$")
_POINTS = re.compile(
    r"\$\{[^{}]*\}|\$\([^()]*\)|\$[A-Z_][A-Z0-9_]*|\$\d|<[^<>]*>|\{\{.*\}\}|%\(\w+\)s|%\w+%|(?:\{[^{}]*\})+|env:\w+"
    r"|(?:os\.)?(?:environ|getenv)\b.*|[*.•:-]+|[xX*]{3,}"
    r"|(?i:none|null|true|false|yes|no|unset|empty|required|optional|changeme|redacted|todo|placeholder|your[-_ ].*)"
)
MIN_SECRET = 2
"""A single letter is nobody's key or token, and many a setting's value; a password may be as short as it likes."""
_PASSWORD = re.compile(r"pass|client_?secret")
_TABLE = re.compile(r"(?i)(?:^|[_-])(?:credentials?|secrets?)$")


_KEPT = re.compile(
    r"(?i)\.env(?!\.(?:example|sample|template|dist)$)(?:\..*)?|.*\.(?:env|pem|key|p12|pfx|jks|keystore|kdbx|ppk|ovpn|tfvars)"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)(?:[_.-].*)?(?<!\.pub)|\.(?:netrc|pgpass|npmrc|pypirc|htpasswd|git-credentials)|_netrc"
    r"|credentials?|kaggle\.json|(?:.*[._-])?(?:credentials?|secrets?|service[_-]?account|passwords?)(?:[._-].*)?"
    r"\.(?:json|ya?ml|toml|ini|cfg|conf|txt)"
)
"""Files that are there to keep secrets, by their names: `.env`, `id_rsa`, `x.pem`, `credentials.json`."""


Replacement = Callable[[str, str], str]
"""What stands for a value, given the name that it stands under."""


def keeps_secrets(path: str) -> bool:
    """Whether a file of this name is there to keep secrets, and belongs into no commit."""
    return bool(_KEPT.fullmatch(path.rpartition("/")[2]))


def is_table(name: str) -> bool:
    """Whether a table of this name holds secrets alone, whatever each of them is called."""
    return bool(_TABLE.search(name))


def lies_in_table(name: str) -> bool:
    """Whether a dotted name leads through such a table."""
    return any(map(is_table, name.split(".")[:-1]))


def points(value: str) -> bool:
    """Whether a value holds no secret and only says where one comes from, or that there is none."""
    return not value or bool(_POINTS.fullmatch(value.strip()) or MARK.fullmatch(value))


def tells(name: str) -> bool:
    """Whether everything under this name is a secret."""
    return bool(_ALWAYS.search(_word(name))) or lies_in_table(name)


def is_secret(name: str, value: str) -> bool:
    """Whether `value` under `name` must not be recorded."""
    word = _word(name)
    if points(value) or (len(value) < MIN_SECRET and not _PASSWORD.search(word)):
        return False
    if _ALWAYS.search(word) or lies_in_table(name):
        return True
    if word.endswith("pw") and _TOKEN.search(word):
        return is_mixed(value, 6)
    if _TOKEN.search(word) and not _OF_TEXT.search(word) and not value.startswith(("<", "[", "|")):
        return len(value) >= 8 and _looks_drawn(value)
    if _MANY.search(word):
        return len(value) >= 16 and is_key_material(value) and not is_number(value)
    if _KEY.search(word) and not _OF_PLACES.search(word):
        return _is_dotted_key(name, value) or (len(value) >= 16 and _is_key(value) and is_key_material(value))
    return False


def _is_dotted_key(name: str, value: str) -> bool:
    """Whether a value under a name that ends in `.key` is one by what stands before: `--Session.key=` signs what a
    notebook's kernel is sent. A drawn id is one under any name but that of a place; `sort.key=loss` chooses."""
    above, dot, _ = name.strip(".").rpartition(".")
    pair = f"{_word(above)}_key"
    if not dot or _word(name) != "key" or _OF_PLACES.search(pair):
        return False
    bare = re.sub(r"^[rbuf]?['\"]|['\"]$", "", value)
    is_drawn = len(bare) >= 8 and _looks_drawn(bare) and not is_place(bare)
    return bool(_UUID.fullmatch(bare)) or (is_drawn and bool(_ALWAYS.search(pair)))


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def proves(name: str, value: str) -> bool:
    """Whether a value is a secret beyond doubt by the name it stands under, so that another one in its place chose
    nothing. Under the name of a password only a place, a number or a switch is a choice; under another name that means
    nothing else a word is one, too; any other asks for what nobody would write (`bearer = "left"` is a choice)."""
    word = _word(name)
    if _GIVEN.search(word) and is_credible(value) and not is_place(value) and not is_put_together(value):
        return True
    if _PASS.search(word) and not is_place(value) and not _SETTING.fullmatch(value):
        return True
    if not is_key_material(value) or _OF_TEXT.search(word):
        return False
    if is_number(value):
        return bool(_ONLY.search(word))
    return bool(_ALWAYS.search(word) or _CARRIER.search(word)) or lies_in_table(name)


def may_tell(name: str) -> bool:
    """Whether a value under this name can be a secret."""
    word = _word(name)
    return bool(
        _ALWAYS.search(word)
        or (_TOKEN.search(word) and not _OF_TEXT.search(word))
        or (_KEY.search(word) and (word != "key" or "." in name.strip(".")) and not _OF_PLACES.search(word))
        or _MANY.search(word)
        or _TABLE.search(name)
    )


def is_plain(text: str) -> bool:
    """A value that is a word, a path or a number in its own right, and so stands in many places innocently.

    `GOOGLE_APPLICATION_CREDENTIALS` names the file that holds the secret; the file's place is none.
    """
    if text.startswith("/") and os.path.lexists(text):
        return True
    return bool(re.fullmatch(r"[a-z_.\-/ ]+|[\d.]+|(?i:true|false|none)", text))


def _word(name: str) -> str:
    """The last word of a dotted name, in snake case, without the number of several (`API_KEY_2`)."""
    return _NUMBERED.sub("", _CAMEL.sub("_", re.sub("[- ]", "_", name).rpartition(".")[2]).lower())


def _looks_drawn(value: str) -> bool:
    """Whether a value has a digit among its letters, or is long and of mixed case."""
    return any(map(str.isdigit, value)) or (len(value) >= 16 and is_of_both_cases(value))


def _is_key(value: str) -> bool:
    """Whether a value is nothing but letters and digits, both of them: no path, no sentence."""
    return value.isalnum() and is_mixed(value)
