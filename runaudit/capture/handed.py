# ruff: noqa: E501  (a table of patterns reads best a row a line)
"""Secrets that a person hands over in passing: piped into a login, behind a program's own option, in a sentence.

`echo … | docker login --password-stdin`, `unzip -P …`, `PGPASSWORD=… psql`, `the password of bob is …`: no name stands
at such a value as in settings, and it need not look drawn: people choose two words and a number. So a place is asked
for in which nothing else stands, and a value that is no option, variable, path or word: letters with digits in them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from runaudit.capture.hinted import on_lines
from runaudit.capture.looks import is_key_material, is_mixed, is_number, is_of_both_cases, is_place
from runaudit.capture.styles import Style
from runaudit.capture.telling import MARK, Replacement, points
from runaudit.text.pattern import late

_VALUE = r"(?P<q>[\"']?)(?P<value>[^\s\"'|;&<>`\\]+)(?P=q)"
_FOUND = r"(?P<q>[\"']?)(?P<value>[^\s\"'|;&<>`\\:]+)(?P=q)"
_LOGIN_BY = (
    r"(?:sudo\s+)?(?:\S*/)?(?:"
    r"[^|\n]*?(?:--[a-z-]*password-stdin|--with-token|--passphrase-fd|--stdin\b|-pass(?:in|out)?[ =]stdin|\slogin\b)"
    r"|(?:sudo\b[^|\n]*?\s-\w*S\b|sudo\s+-\w*S\b|-\w*S\b)|(?:gpg2?|kinit|ssh-add|cryptsetup|passwd|smbpasswd|su)\b)"
)
"""What reads a password from its standard input."""
_SAY = r"(?:\becho|\bprintf|\bprint)(?:[ ]+-[neEr]+)*(?:[ ]+[\"']?%s(?:\\n)?[\"']?)?[ ]+"
_PIPED = late(rf"{_SAY}{_VALUE}[ ]*\|[ ]*{_LOGIN_BY}")
_PIPED_USER = late(rf"{_SAY}[\"']?[\w.@-]+:(?P<value>[^\s\"'|]+)[\"']?[ ]*\|[ ]*(?:sudo\s+)?(?:\S*/)?chpasswd\b")
_HERE = late(rf"{_LOGIN_BY}[^|\n]*?<<<[ ]*{_VALUE}")
_HERE_USER = late(
    r"(?:\bchpasswd\b[^|\n]*?<<<[ ]*[\"']?[\w.@-]+:|\bftp\b[^|\n]*?<<<[ ]*[\"']?user[ ]+\S+[ ]+)(?P<value>[^\s\"'|]+)"
)


_GAP = r"(?:[ ]+|[\"'][ ]*,[ ]*[\"'])"
"""What stands between two words of a command, in a shell or in a list of code."""


def _by(programs: str, option: str, value: str = _VALUE) -> re.Pattern[str]:
    """A value behind an option of these programs, on their line."""
    option = option.replace("[ ]+", _GAP)
    return late(rf"(?<![\w-])(?:{programs})(?:\.exe)?\b(?:[^|;&\n]*?)[ \"']{option}{value}")


_TAKEN = (
    (("openssl",), _by("openssl", r"(?:-k|-K|-pass(?:in|out)?)[ ]+(?:pass:)?", _FOUND)),
    (("zip -", "zip ", "zipcloak"), _by("unzip|zip|zipcloak", r"-P[ ]+")),
    (("ipmitool", "sqlcmd", "bcp "), _by("ipmitool|sqlcmd|bcp", r"-P[ ]+")),
    (("7z", "rar "), _by("7z|7za|7zr|rar|unrar", r"-p")),
    (("gpg",), _by("gpg2?", r"--passphrase[ =]+")),
    (("ssh-keygen",), _by("ssh-keygen", r"-[NP][ ]+")),
    (("sshpass",), _by("sshpass", r"-p[ ]*")),
    (("twine", "mongo", "user", "rdesktop"), _by("twine|mongo(?:sh|dump|restore|export|import)?|useradd|usermod|rdesktop", r"-p[ ]+")),
    (("login",), _by("(?:docker|podman|nerdctl|helm|az|oc|skopeo|buildah)[ ](?:[^|;&\n]*[ ])?login", r"-p[ ]+")),
    (("mysql", "mariadb"), _by("mysql(?:dump|admin|import)?|mariadb(?:-dump)?", r"-p")),
    (("ldap",), _by("ldap(?:search|add|modify|delete|whoami|passwd)", r"-w[ ]+")),
    (("redis-cli",), _by("redis-cli", r"-a[ ]+")),
    (("keytool", "signer"), _by("keytool|jarsigner|apksigner", r"-(?:store|key|srcstore|deststore|new)(?:pass)?pass?(?:word)?[ ]+(?:pass:)?")),
    (
        ("curl", "http ", "https ", "wget", "xh ", "ftp "),
        _by("curl|https?|wget|xh|lftp|ncftp", r"(?:-[ua]|--(?:proxy-)?(?:user|auth))(?:[ ]+|=)?[\"']?[\w.@-]+[:,]", r"(?P<value>[^\s\"'|;&:/]+)"),
    ),
    (("smb", "rpcclient", "net "), _by("smbclient|rpcclient|smbmap|net", r"-U[ ]*[\"']?[\w.\\@-]+%", r"(?P<value>[^\s\"'|;&]+)")),
    (("ftp ", "scp ", "rsync "), late(r"(?<![\w-])(?:s?ftp|scp|rsync|lftp)[ ][^|;&\n]*?(?<=[ ])[\w.-]+:(?P<value>[^\s\"'@:/]+)@")),
    (("htpasswd",), late(rf"(?<![\w-])htpasswd[ ]+-\w*b\w*[ ]+(?:-\w+[ ]+)*\S+[ ]+\S+[ ]+{_VALUE}")),
    (
        ("login",),
        late(rf"(?<![\w-])(?:vault|doppler|pulumi|flyctl|railway)[ ]+(?:auth[ ]+)?login[ ]+(?:-[\w-]+=?\S*[ ]+)*(?:token=)?{_VALUE}"),
    ),
    (("mc ",), late(rf"(?<![\w-])mc[ ]+(?:alias|config[ ]host)[ ]+(?:set|add)[ ]+\S+[ ]+\S+[ ]+\S+[ ]+{_VALUE}")),
    (("rclone",), late(rf"(?<![\w-])rclone[ ][^|;&\n]*?\bpass(?:word)?[ =]+{_VALUE}")),
    (("kaggle",), late(rf"(?<![\w-])kaggle[ ]+config[ ]+set[ ]+-n[ ]+key[ ]+-v[ ]+{_VALUE}")),
    (
        ("/p:", "/pass"),
        late(r"(?<![\w/])(?:x?freerdp3?|mstsc|cmdkey|runas)\b[^|;&\n]*?[ ]/(?:p|pass|password):(?P<value>[^\s\"'|;&]+)"),
    ),
    (("net use",), late(r"(?<![\w-])net[ ]+use[ ]+\S+[ ]+\S+[ ]+(?P<value>[^\s\"'|;&/]+)[ ]+/user:")),
    (
        ("jwt.encode", "jwt.decode"),
        late(r"\bjwt\.(?:en|de)code\((?:[^()\n]|\([^()\n]*\))*?,[ ]*(?:key=)?[bru]?(?P<q>\\?[\"'])(?!(?:HS|RS|ES|PS)\d|EdDSA)(?P<value>[^\"'\s\\]+)(?P=q)(?=[ ]*[,)])"),
    ),
    (("hmac.new",), late(r"\bhmac\.new\([ ]*(?:key=)?[bru]?(?P<q>\\?[\"'])(?P<value>[^\"'\s\\]+)(?P=q)(?=[ ]*[,)])")),
    (("send ",), late(r"(?i)password[^\n]{0,60}?\bsend(?:[ ]+--)?[ ]+\\*[\"'](?P<value>[^\s\"'\\]+)\\+[rn]")),
)  # fmt: skip
"""How programs take a secret that no name says, each with the words that stand on such a line."""
_DOTTED = late(
    r"(?i)(?<![\w])[\w.-]*(?:secret|access|account|api|private)[.]key=(?P<q>[\"']?)(?P<value>[A-Za-z0-9/+_=.-]{12,})(?P=q)"
)
"""`fs.s3a.secret.key=…`, as Hadoop and Spark are told."""
_PASSWORDS = r"(?:pass(?:word|wort|wd|phrase|code)|kennwort|mots?[ ]de[ ]passe|contraseñ?n?a|senha|has[łl]o|пароль|密码|密碼|パスワード|pwd|pw)"
# The name has a bound: tried from each of its places on to the end, 60 kB of `a.a.a.` took minutes.
_GIVEN = late(
    rf"(?i)(?<![$%{{])(?<![a-z])[\w.-]{{0,95}}{_PASSWORDS}s?[ ]?=[ ]?(?P<q>[\"']?)(?P<value>[^\s\"'|;&<>`,)}}\]\\]+)(?P=q)(?![\w(.\[])"
)
"""`PGPASSWORD=… psql`, `--from-literal=password=…`, `host=h password=…`."""
_TOLD = late(
    rf"(?i)\b{_PASSWORDS}s?\b(?:[ ]+(?:of|for|to|on|at|from|as|de|für|von|del|du|la|le)[ ]+(?:(?!(?:is|was|ist|est|are|to)\b)[\w.@'’/-]+[ ]*){{1,4}}?)?"
    r"(?:[ ]*[:=：][ ]*|[ ]+(?:is|was|are|ist|lautet|est|es|é|to|=)[ ]+)(?:now[ ]+|set[ ]to[ ]+)?[\"'`*_]*(?P<value>[^\s\"'`,;]+)"
)
"""`the password of bob is …`, `password for the server: …`."""
_BESIDE = late(rf"(?i)\b{_PASSWORDS}[ ]+[\"'`*_]*(?P<value>[^\s\"'`,;:=]+)")
_LOGGED = late(
    r"(?i)\b(?:log[- ]?in|login|credentials?)\b[ ]*(?:with|as|is|:)?[ ]*[\w.@-]+[ ]*[/|][ ]*(?P<value>[^\s\"'`,;/|]+)"
)
"""`log in with bob / …`."""
_BARE_KEY = late(r"(?i)\b(?:token|key|secret|bearer)s?[ ]+[\"'`*_]*(?P<value>[a-z0-9_-]{24,})(?![\w.=/-])")
"""`401 for key …`: what nobody would write."""
_HASHES = late(r"(?i)(?:sha|md|utf|base|aes|rsa|ed|latin|blake|hmac|pbkdf|int|float|str|uint|bf|fp|v|win|x)-?_?\d+\w*")
_COMMENT = late(r"(?:#|//|--|\*|\"|'|;|%|^\s*[+-]?\s*>|rem\b)", re.IGNORECASE)
PATTERNS = (
    _PIPED, _PIPED_USER, _HERE, _HERE_USER, *(pattern for _, pattern in _TAKEN), _DOTTED, _GIVEN, _TOLD, _BESIDE, _LOGGED,
    _BARE_KEY, _HASHES,
)  # fmt: skip
_PIPES = ("echo ", "printf ", "print ", "<<<")
_KEY_HINTS = ("secret.key", "access.key", "account.key", "api.key", "private.key")
_WORD_HINTS = (
    "passw", "passphrase", "passcode", "kennwort", "de passe", "contrase", "senha", "hasło", "haslo", "пароль", "密码",
    "密碼", "パスワード", "pwd", "pw",
)  # fmt: skip
_LOGIN_HINTS = ("login", "log in", "log-in", "credential")
_BARE_HINTS = ("token ", "key ", "secret ", "bearer ", "tokens ", "keys ", "secrets ")
HINT = late(
    "(?i)" + "|".join(map(re.escape, (*_PIPES, *_WORD_HINTS, *(hint for hints, _ in _TAKEN for hint in hints))))
)
"""What stands in a text that could hand over a secret in one of these ways."""

MAX_SAID = 4000
"""Longer values of a record are no sentences."""


def handed(text: str, style: Style, replacement: Replacement, *, spoken: bool = False) -> str:
    """`text` with every secret replaced that it hands over. spoken: it is what a person or a program said, no code."""
    piped = (_PIPED, _PIPED_USER, _HERE, _HERE_USER)
    text = on_lines(text, _PIPES, partial(_each, piped, _is_piped, "password", replacement))
    for hints, pattern in _TAKEN:
        text = on_lines(text, hints, partial(_each, (pattern,), _is_taken, "pwd", replacement))
    text = on_lines(text, _KEY_HINTS, partial(_each, (_DOTTED,), is_key_material, "secret_key", replacement), fold=True)
    is_told = spoken or style in (Style.NOTES, Style.DATA)
    is_plain = is_told or style is Style.SHELL
    text = on_lines(
        text,
        _WORD_HINTS,
        partial(_words, replacement, given=_is_chosen if not is_plain else _is_taken, is_told=is_told),
        fold=True,
    )
    text = on_lines(text, _LOGIN_HINTS, partial(_each, (_LOGGED,), _is_chosen, "pwd", replacement), fold=True)
    return on_lines(text, _BARE_HINTS, partial(_each, (_BARE_KEY,), _is_bare, "token", replacement), fold=True)


def said_without(text: str, replacement: Replacement) -> str:
    """A sentence of a record without the secrets that it hands over."""
    is_one = " " in text and len(text) <= MAX_SAID and HINT.search(text)
    return handed(text, Style.PROSE, replacement, spoken=True) if is_one else text


def without_taken(argv: Sequence[str], replacement: Replacement) -> list[str]:
    """The words of a command line without what a program takes as a secret by an option of its own."""
    line = " ".join(argv)
    clean, start, found = [], 0, sorted(set(_places(line)), reverse=True)
    for word in argv:
        end, parted = start + len(word), word
        for left, right in found:
            if start <= left and right <= end:
                mark = replacement(line[left:right], "pwd")
                parted = f"{parted[: left - start]}{mark}{parted[right - start :]}"
        start = end + 1
        clean.append(parted)
    return clean


def _places(line: str) -> Iterator[tuple[int, int]]:
    for _, pattern in _TAKEN:
        for match in pattern.finditer(line):
            if _is_taken(match["value"]):
                yield match.span("value")


def _words(replacement: Replacement, text: str, *, given: Callable[[str], bool], is_told: bool) -> str:
    text = _each((_GIVEN,), given, "password", replacement, text)
    text = _TOLD.sub(lambda match: _told(match, replacement, is_told=is_told), text)
    return _BESIDE.sub(lambda match: _told(match, replacement, is_told=is_told, is_beside=True), text)


def _told(match: re.Match[str], replacement: Replacement, *, is_told: bool, is_beside: bool = False) -> str:
    """What a sentence says, or a comment: code has the same signs with names behind them."""
    value = match["value"].rstrip(".?)*_]")
    line = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
    said = is_told or bool(_COMMENT.search(line))
    is_sure = _is_chosen(value) if is_beside or not is_told else _is_taken(value)
    may_be_a_name = is_beside and not is_told and value.isalnum() and "password" not in match[0].lower()
    return _marked(match, value, replacement(value, "password")) if said and is_sure and not may_be_a_name else match[0]


def _each(
    patterns: tuple[re.Pattern[str], ...], is_one: Callable[[str], bool], name: str, replacement: Replacement, text: str
) -> str:
    for pattern in patterns:
        text = pattern.sub(lambda match: _put(match, is_one, name, replacement), text)
    return text


def _put(match: re.Match[str], is_one: Callable[[str], bool], name: str, replacement: Replacement) -> str:
    value = match["value"]
    return _marked(match, value, replacement(value, name)) if is_one(value) else match[0]


def _marked(match: re.Match[str], value: str, mark: str) -> str:
    """What was matched, with a mark in the place of the value, or of the beginning of it that is the secret."""
    start = match.start("value") - match.start()
    return f"{match[0][:start]}{mark}{match[0][start + len(value) :]}"


def _is_piped(value: str) -> bool:
    """Nothing but a secret is piped there; `echo y` says yes."""
    return len(value) >= 4 and not _is_elsewhere(value)


def _is_taken(value: str) -> bool:
    return is_mixed(value, 6) and not _is_elsewhere(value) and not _HASHES.fullmatch(value)


def _is_chosen(value: str) -> bool:
    """What a person takes for a password, and nobody for the name of a variable, a class or a model: capitals, small
    letters and two digits or more, or a sign that is in no name."""
    digits = sum(map(str.isdigit, value))
    signed = bool(re.search(r"[!#$%^&*?~]", value)) and not re.search(r"[()\[\]{}]", value)
    return _is_taken(value) and len(value) >= 8 and ((digits >= 2 and is_of_both_cases(value)) or signed)


def _is_bare(value: str) -> bool:
    return is_key_material(value) and not is_number(value) and not _is_elsewhere(value)


def _is_elsewhere(value: str) -> bool:
    """Whether a value only says where a secret comes from: a variable, a path, a call, a mark."""
    return bool(
        points(value) or MARK.search(value) or is_place(value) or value.startswith(("$", "-", "@", "%"))
        or re.search(r"[${(\[<]|\.\w+\(", value) or re.fullmatch(r"(?:env|file|fd|stdin|vars?|self|args|cfg|config|os)[:.].*", value)
    )  # fmt: skip
