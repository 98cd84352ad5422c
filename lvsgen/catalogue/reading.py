"""What is said while a description is read: YAML, characters, includes, and the shape that the schema demands.

Nothing here can be ignored or waived: what cannot be read cannot be judged.
"""

from __future__ import annotations

from lvsgen.diagnostics import Severity
from lvsgen.rules.documentation import Entry, documented

ERROR = Severity.ERROR


@documented("LVS001", ERROR)
def unreadable_file() -> None:
    """What it finds:
        A file that cannot be opened, or that has more than 64 MiB.

    Why:
        What it says is unknown, so nothing can be built from the description.

    Example:
        include: [table.yaml]  # a file of 70 MiB

    Instead:
        services: {web: {vip: 192.0.2.100, tcp: 80, method: dr}}

    Sources:
        open(2); docs/language.md, include
    """


@documented("LVS002", ERROR)
def bad_characters() -> None:
    r"""What it finds:
        A file that is not UTF-8, or that holds characters nobody can see: control characters, invisible marks of the
        direction of writing, line breaks that only YAML 1.1 knows, a byte order mark in the middle.

    Why:
        A reviewer reads something else than the program does.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, description: "shop\u202e"}  # <- LVS002

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, description: "shop"}

    Sources:
        YAML 1.2.2, sections 5.1 and 5.4; Unicode TR 36, bidirectional text spoofing
    """


@documented("LVS003", ERROR)
def yaml_syntax() -> None:
    """What it finds:
        Text that is no YAML: an unquoted IPv6 address between brackets, a bracket or a quote that is never closed, an
        indentation that does not fit, a tab.

    Why:
        Nobody can say what it means. An address with colons must be quoted between brackets, because YAML takes its
        colons for keys; `--fix` quotes it.

    Example:
        services:
          web: {vip: [2001:db8::100], tcp: 80, method: dr}  # <- LVS003

    Instead:
        directors: {lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}}
        realservers: {rs1: "2001:db8::11"}
        services:
          web: {vip: ["2001:db8::100"], tcp: 80, method: dr}

    Sources:
        YAML 1.2.2, section 7.3.3; libyaml's scanner.c
    """


@documented("LVS004", ERROR)
def duplicate_key() -> None:
    """What it finds:
        A key that is written twice in one mapping.

    Why:
        Most programs let the last one win without a word, some the first: a service disappears in an edit.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}
          web: {vip: 192.0.2.101, tcp: 80, method: dr}  # <- LVS004

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}
          www: {vip: 192.0.2.101, tcp: 80, method: dr}

    Sources:
        YAML 1.2.2, section 3.2.1.3
    """


@documented("LVS005", ERROR)
def unsupported_yaml() -> None:
    """What it finds:
        Tags, merge keys, several documents in a file, keys that are no texts, aliases within their own anchor or in
        great numbers.

    Why:
        Programs disagree about them, and none of them is needed to describe a cluster.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: !!int "80", method: dr}  # <- LVS005

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}

    Sources:
        YAML 1.2.2, section 10.3; docs/language.md
    """


@documented("LVS006", ERROR)
def bad_include() -> None:
    """What it finds:
        An entry of `include` that is no file in the folder of the root file or below it, leads out of that folder,
        is a pattern, or is named twice; an included file that includes others.

    Why:
        A commit must hold the whole description, and a description must not read other files of the machine.

    Example:
        include:
          - ../shop/services.yaml  # <- LVS006

    Instead:
        services: {web: {vip: 192.0.2.100, tcp: 80, method: dr}}

    Sources:
        docs/language.md, include
    """


@documented("LVS010", ERROR)
def wrong_value() -> None:
    """What it finds:
        A value of another type, form or range than its key takes.

    Why:
        What would be generated from it could not be right. Often YAML reads it differently from what was meant: `1.30`
        is the number 1.3, `yes` is a text. `--fix` mends those: quotes that are missing or too many, `yes` and `no`,
        one name where a list of names is due.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, ops: no}  # <- LVS010

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, ops: false}

    Sources:
        schema/cluster.schema.json; docs/language.md
    """


@documented("LVS011", ERROR)
def unknown_key() -> None:
    """What it finds:
        A key that the language does not have there.

    Why:
        A misspelt key would have no effect, and nobody would notice.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, persistance: 5m}  # <- LVS011

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, persistence: 5m}

    Sources:
        schema/cluster.schema.json; docs/language.md
    """


@documented("LVS012", ERROR)
def missing_key() -> None:
    """What it finds:
        A key that must be there.

    Why:
        There is no default that would be right for most.

    Example:
        failover: {order: [lvs1, lvs2]}  # <- LVS012

    Instead:
        failover: {engine: none, order: [lvs1, lvs2]}
        vips: {shop: {addresses: 192.0.2.100, device: lo}}
        services: {web: {vip: shop, tcp: 80, method: dr}}

    Sources:
        schema/cluster.schema.json; docs/language.md
    """


READING: tuple[Entry, ...] = (
    unreadable_file,
    bad_characters,
    yaml_syntax,
    duplicate_key,
    unsupported_yaml,
    bad_include,
    wrong_value,
    unknown_key,
    missing_key,
)
"""In the order of their codes."""
