"""The agencies an account may belong to: those of [agency.ID]."""

from __future__ import annotations

from crm_bridge.access.roles import OUTSIDE, Role
from crm_bridge.config import AgencySection, Config
from crm_bridge.errors import Refused

OFFICE_TH = "สำนักงานพาณิชย์จังหวัด"
"""What the name of a province's commerce office begins with."""


def choices(config: Config) -> list[tuple[str, AgencySection]]:
    """Every agency with its id: departments first, then the provinces' offices, by Thai name."""
    found = config.agency.items()
    return sorted(found, key=lambda one: (province_of(one[1]) is not None, one[1].name_th, one[0]))


def province_of(agency: AgencySection) -> str | None:
    """The Thai name of the province whose office this is; `None` for any other agency."""
    if not agency.name_th.startswith(OFFICE_TH):
        return None
    return agency.name_th.removeprefix(OFFICE_TH).strip() or None


def settle(
    config: Config, role: Role, agency: str | None, province: str | None
) -> tuple[str | None, str | None]:
    """The agency and province an account of this role has. Refused (422) where they do not fit.

    Roles of the hotline itself have neither. A provincial officer's province is that of the
    office, where its name says it.
    """
    if role not in OUTSIDE:
        return None, None
    section = config.agency.get(agency or "")
    if section is None:
        if agency:
            th, en = "ไม่มีหน่วยงานนี้ในทะเบียน", "there is no such agency in the directory"
            raise Refused("agency-unknown", th, en, 422, {"agency": (th, en)})
        th, en = "บทบาทนี้ต้องระบุหน่วยงาน", "this role needs an agency"
        raise Refused("agency-missing", th, en, 422, {"agency": (th, en)})
    if role is not Role.PROVINCIAL_OFFICER:
        return agency, None
    own = province_of(section) or (province or "").strip()
    if not own:
        th, en = "โปรดระบุจังหวัด", "say which province"
        raise Refused("province-missing", th, en, 422, {"province": (th, en)})
    return agency, own
