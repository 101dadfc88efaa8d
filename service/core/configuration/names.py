"""Find `CVAE_*` variables that no setting reads: misspelt ones are refused, all others ignored."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping

from service.core.errors import StartupError

PREFIX = "CVAE_"
# Of docker-compose.yml, of clients and of the tests.
OURS = re.compile(
    r"(?:GPU_)?MEMORY|(?:GPU|BALANCED|PROMETHEUS|GRAFANA)_PORT|GRAFANA_PASSWORD|[UG]ID|API_KEY|SIGNING_KEY"
    r"|TEST_.*"
)
# What Kubernetes sets in each container beside a Service called "cvae" or "cvae-something".
LINK_NAME = re.compile(
    r"(?:.*_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
LINK = re.compile(r"(?:tcp|udp|sctp)://\S+")
# "DEADLINE" is as near as this to "DEADLINE_MS", "GPU_PORT" further from "PORT".
NEAR = 0.75
MIN_BEGINNING = 4


def find_unread(variables: Mapping[str, str | None], settings: Collection[str]) -> list[str]:
    """Return the variables with our prefix that no setting reads and nobody else is known to set.

    Args:
        variables: Values by name, in any case.
        settings: Names of the settings, without the prefix.

    Returns:
        Names in capitals, sorted.

    Raises:
        StartupError: One is so close to a setting's name that the setting must have been meant.
    """
    known = {name.upper() for name in settings}
    ours = {
        name.upper().removeprefix(PREFIX): value or ""
        for name, value in variables.items()
        if name.upper().startswith(PREFIX)
    }
    unread = sorted(name for name, value in ours.items() if not _is_known(name, value, known))
    for name in unread:
        if meant := _guess(name, known):
            raise StartupError(f"{PREFIX}{name}: expected the name of a setting, perhaps {PREFIX}{meant}")
    return [PREFIX + name for name in unread]


def _is_known(name: str, value: str, known: Collection[str]) -> bool:
    others = OURS.fullmatch(name) or LINK_NAME.fullmatch(name) or LINK.fullmatch(value)
    return name in known or others is not None


def _guess(name: str, known: Collection[str]) -> str | None:
    if found := difflib.get_close_matches(name, known, 1, NEAR):
        return found[0]
    begun = sorted(each for each in known if len(name) >= MIN_BEGINNING and each.startswith(name))
    return begun[0] if begun else None
