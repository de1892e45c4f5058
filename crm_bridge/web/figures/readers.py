"""Who may read figures of the whole hotline; officers see none of each other's."""

from __future__ import annotations

from typing import Final

from crm_bridge.access.roles import Role

READERS: Final = (Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR, Role.AUDITOR)
