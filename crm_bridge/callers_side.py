"""What serves callers before and after an officer, put together: self-service, call-back,
voicemail and recordings.
"""

from __future__ import annotations

from functools import partial

import structlog

from crm_bridge.app import App
from crm_bridge.cases.office_hours import Week
from crm_bridge.desk.calling_back import CallingBack
from crm_bridge.desk.floor import Floor
from crm_bridge.recordings.conversations import Conversations
from crm_bridge.recordings.in_the_open import InTheOpen
from crm_bridge.recordings.rounds import Rounds
from crm_bridge.recordings.taking import Takes
from crm_bridge.recordings.vault import keyless, vault_of
from crm_bridge.recordings.voicemail import Voicemails
from crm_bridge.selfservice.door import Door
from crm_bridge.selfservice.guide_text import GuideText
from crm_bridge.selfservice.office import Office
from crm_bridge.selfservice.service import SelfService
from ivr.prompts.keeping import Place

_log = structlog.get_logger(__name__)


def make(app: App, floor: Floor) -> None:
    """Puts self-service and recordings on the bridge where they are configured."""
    config, database, clock = app.config, app.database, app.clock
    app.vault = vault_of(config)
    messages = _messages(app)
    if config.selfservice is not None:
        places = [Place(one.sounds, one.takes) for one in config.node if one.sounds and one.takes]
        hours = config.hours
        week = Week(hours.minutes()) if hours else None
        callback = config.callback
        office = Office(
            database, clock, week, messages=messages,
            places_for=round(callback.hours * 3_600_000_000) if callback else 0,
        )  # fmt: skip
        office.call_of, office.on_wish = partial(_call_of, app), app.wished
        door = Door(
            database, clock, floor.line, config.door,
            emergency=lambda: app.announcements is not None and app.announcements.on() is not None,
            agents=floor.agents,
            card_of=lambda call_id: app.screens.board.card_of(call_id) if app.screens else None,
        )  # fmt: skip
        text = GuideText(database, clock, config.selfservice.guide_address)
        text.call_of = office.call_of
        app.selfservice = SelfService(
            config.selfservice, database, clock, places, office, door, text,
            places_kept=callback is not None,
        )  # fmt: skip


def call_back(app: App, floor: Floor) -> None:
    """Calls back who keeps his place, where that is configured."""
    callback = app.config.callback
    if callback is not None and app.selfservice is not None:
        app.calling_back = CallingBack(
            app.database, floor.line, app.clock, callback, app.selfservice.office.why_shut
        )
        app.calling_back.on_change = app.wished


def _messages(app: App) -> Voicemails | None:
    """What takes callers' messages in; None where there is no key, or no place where they lie."""
    vault = app.vault or keyless(app.config)
    rounds = app.voice_rounds = Rounds(app.database, app.clock, app.config.recordings, vault)
    takes = [Takes(one.name, one.takes) for one in app.config.node if one.takes]
    laid = [Takes(one.name, one.recordings) for one in app.config.node if one.recordings]
    lying = InTheOpen(app.database, app.clock, vault, calls=laid, messages=takes)
    lying.call_of = partial(_call_of, app)
    rounds.in_the_open = lying
    if app.vault is None:
        if any(one.recordings for one in app.config.node):
            _log.error(
                "conversations lie in the open: there is no key to seal them with",
                mend="set HOTLINE_RECORDINGS__KEYS__NAME, or `record = false` in the site",
            )
        return None
    found = Voicemails(app.database, app.clock, app.vault, takes)
    found.call_of = partial(_call_of, app)
    spoken = Conversations(app.database, app.clock, app.vault, laid)
    spoken.call_of, spoken.over = found.call_of, partial(_over, app)
    rounds.messages, rounds.conversations, rounds.on_taken = found, spoken, app.wished
    return found if takes else None


def _over(app: App, call_id: str, uniqueid: str) -> bool:
    """The call's line is known, and neither the call nor the channel is there any more."""
    for node in app.floor.line.nodes if app.floor is not None else ():
        if call_id == f"{node.name}-{uniqueid}":
            tracker = node.tracker
            gone = call_id not in tracker.lives and uniqueid not in tracker.net.channels
            return node.known and gone
    return False


def _call_of(app: App, uniqueid: str) -> str:
    """The id of the call that came in on this channel, heard of already or not."""
    names = [node.name for node in app.nodes]
    for node in app.nodes:
        if f"{node.name}-{uniqueid}" in node.pipeline.tracker.lives:
            return f"{node.name}-{uniqueid}"
    # Asterisk's ids begin with its own systemname
    own = [name for name in names if uniqueid.startswith(f"{name}-")]
    return f"{(own or names)[0]}-{uniqueid}"
