"""A call as HTML for the panels of the agent's page; what is the same for two tabs is made once."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any, Final

from crm_bridge.appointments import appointment_workflow
from crm_bridge.cases.subjects import SERVICES
from crm_bridge.cases.workflow import STATES
from crm_bridge.config import Config
from crm_bridge.desk.caller_rules import KINDS
from crm_bridge.desk.card import Card
from crm_bridge.desk.pop import EVIDENCE, LIVE, CallView, Stage
from crm_bridge.desk.url_pop import address
from crm_bridge.desk.ways import way_words
from crm_bridge.web.connectors.words import LOOKED_UP, title
from crm_bridge.web.pages import fragment, phone_text

_KEPT: Final = 256
"""Pieces of HTML kept for the next tab that needs the same."""

MENU_KEYS: Final[dict[str, tuple[str, str]]] = {
    "1": ("ร้องเรียน", "Complaint"),
    "2": ("สอบถามข้อมูล / ขอคำปรึกษา", "Information and advice"),
    "3": ("นัดหมาย VDO Conference", "VDO conference appointment"),
    "4": ("ติดตามสถานะเรื่อง", "Status of a ticket"),
    "5": ("ข้อมูลการตลาด", "Marketing information"),
    "9": ("เปลี่ยนภาษา", "Other language"),
    "0": ("ติดต่อเจ้าหน้าที่", "An officer"),
}
"""What the keys of our main menu mean (`dialplan/menu.conf`)."""

LEVELS: Final[dict[str, tuple[str, str, str]]] = {
    "known": ("ผู้ติดต่อเดิม", "Known caller", "good"),
    "maybe": ("อาจเป็นหนึ่งใน", "May be one of", "near"),
    "new": ("ผู้ติดต่อใหม่", "New caller", "blue"),
    "withheld": ("ไม่แสดงหมายเลข", "Number withheld", "bad"),
}
"""Match level → Thai, English, colour."""

STAGE_WORDS: Final[dict[Stage, tuple[str, str, str]]] = {
    Stage.RINGING: ("สายเรียกเข้า", "Ringing", "blue"),
    Stage.ANSWERING: ("รับสายแล้ว ระบบกำลังกล่าวทักทาย", "Answered, the line greets", "blue"),
    Stage.DIALLING: ("กำลังโทรออก", "Calling out", "blue"),
    Stage.TALKING: ("กำลังสนทนา", "Talking", "good"),
    Stage.HELD: ("พักสายผู้ติดต่อ", "Caller on hold", "near"),
    Stage.CONSULTING: ("กำลังปรึกษาหน่วยงาน", "Asking an agency", "near"),
    Stage.TRANSFERRING: ("กำลังโอนสาย", "Transferring", "near"),
    Stage.CONSULTED: ("เจ้าหน้าที่ขอคำปรึกษา", "An officer asks you", "blue"),
    Stage.WRAPUP: ("รอบันทึกการให้บริการ", "To be recorded", "near"),
}
"""Stage → Thai, English, colour."""

FAILURES: Final[dict[str, tuple[str, str]]] = {
    "busy": ("สายไม่ว่าง", "busy"),
    "no_answer": ("ไม่มีผู้รับสาย", "no answer"),
    "failed": ("ติดต่อไม่ได้", "not reached"),
}
"""How an attempt to reach somebody failed."""


class Screen:
    """Makes the panels of calls; one for the whole desk."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._agencies = {
            key: (agency.name_th or key, agency.name_en or agency.name_th or key)
            for key, agency in config.agency.items()
        }
        self._made: OrderedDict[Hashable, tuple[object, str]] = OrderedDict()

    def call(self, view: CallView, lang: str, at: int = 0) -> dict[str, Any]:
        """What the page is told of a call, without its card."""
        told: dict[str, Any] = {"id": view.call_id, "stage": view.stage.value, "at": at}
        if view.stage is Stage.GONE:
            told["why"] = view.why.value if view.why else ""
            return told
        told["live"] = view.stage in LIVE
        told["html"] = self._piece("agent/call.html", view, lang, view=view)
        told["bar"] = self._piece("agent/steps.html", view.steps, lang, view=view)
        told["service"] = view.service
        told["label"] = self.label(view, lang)
        if view.stage is Stage.RINGING:
            told["notice"] = self._notice(view, lang)
        if self._config.desk.url_pop:
            told["url"] = address(self._config.desk.url_pop, view)
        return told

    def card(self, view: CallView, lang: str) -> str:
        """The caller's card, and what other CRMs say; of one still looked up, that it is."""
        # the card stays the same through many views of the call: made once for all of them
        seen = (view.card, view.found, view.name, view.presented, view.withheld)
        return self._piece("agent/card.html", seen, lang, view=view)

    def label(self, view: CallView, lang: str) -> str:
        """The call in one word: its number, or that it has none."""
        if view.withheld or not view.presented:
            return LEVELS["withheld"][1 if lang == "en" else 0]
        return phone_text(view.presented)

    def _notice(self, view: CallView, lang: str) -> str:
        allowed = self._config.desk.notification
        if allowed == "nothing":
            return ""
        if allowed == "name" and not view.withheld:
            persons = view.card.match.persons if view.card else ()
            known = persons[0].name if len(persons) == 1 else None
            if name := known or view.name:
                return name
        return self.label(view, lang)

    def _piece(self, template: str, seen: object, lang: str, **values: Any) -> str:
        """The template's HTML; the one made before where it saw the very same things."""
        view: CallView = values["view"]
        key = (template, lang, view.call_id, view.agent)
        kept = self._made.get(key)
        if kept is not None and kept[0] == seen:
            return kept[1]
        html = fragment(
            template, lang, level=LEVELS.get(view.level or ""), stage=STAGE_WORDS.get(view.stage),
            evidence=EVIDENCE, menu_keys=MENU_KEYS, failures=FAILURES, states=STATES,
            meetings=appointment_workflow.STATES,
            services=SERVICES, crm=title, looked_up=LOOKED_UP, ways=way_words,
            rule_kinds=KINDS,
            tell=self._config.supervision.tell_officer,
            agency_name=lambda key: self.party(key, lang),
            **values,
        )  # fmt: skip
        self._made[key] = (seen, html)
        self._made.move_to_end(key)
        if len(self._made) > _KEPT:
            self._made.popitem(last=False)
        return html

    def party(self, key: str | None, lang: str) -> str:
        """An agency by its name, anybody else as dialled."""
        if not key:
            return ""
        found = self._agencies.get(key)
        return found[1 if lang == "en" else 0] if found else phone_text(key)


def sse(event: str, data: Mapping[str, Any], event_id: str | None = None) -> bytes:
    """One event of a text/event-stream."""
    head = f"id: {event_id}\n" if event_id else ""
    # JSON has no line breaks of its own: whatever a caller is called, it stays one line
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {event}\ndata: {body}\n\n".encode("utf-8", "replace")


__all__ = ["LEVELS", "MENU_KEYS", "STAGE_WORDS", "Card", "Screen", "sse"]
