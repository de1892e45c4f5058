"""A menu tree as dialplan: the text of `menu.conf`, the same text for the same tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ivr.menu.tree import Choice, Kind, Menu, Tree

_HEAD: Final = """\
; The menus, rendered from menu.toml by `hotline menu render`: change that file and not this one.
; A wrong or missing key is answered MENU_TRIES times; then an officer takes the call. A key is
; taken at once, whatever is being said. Out of hours (HOTLINE_CLOSED) what leads to a person leads
; back to where callers are told so. HOTLINE_SLOW: the caller wants the slow form, in every menu; it
; is offered where this site has recorded it in the caller's language (MENU_SLOW)."""
_CLOSED: Final = 'GotoIf($["${HOTLINE_CLOSED}" != ""]?1203-hours,s,1)'


def render(tree: Tree, agencies: Mapping[str, str]) -> str:
    """The text of menu.conf; `agencies`: id → number. The tree must be without faults."""
    parts = [_HEAD]
    names = [tree.start, *(name for name in tree.menus if name != tree.start)]
    parts += ["\n".join(_menu(tree, tree.menus[name], agencies)) for name in names]
    return "\n\n".join(parts) + "\n"


def context(tree: Tree, name: str) -> str:
    """The dialplan's context of a menu."""
    return "1203-menu" if name == tree.start else f"1203-{name}"


def _menu(tree: Tree, menu: Menu, agencies: Mapping[str, str]) -> Iterator[str]:
    inner = menu.id != tree.start
    back = "ask" if menu.reads else "again"
    yield f"; {menu.th} · {menu.en}"
    yield f"[{context(tree, menu.id)}]"
    yield "exten => s,1,Set(MENU_FAULTS=0)"
    yield f" same => n(again),{_mark('menu', menu.id)}"
    offers = "&".join(menu.offers)
    if menu.slow:
        recorded = f"${{SOUNDS}}/${{CHANNEL(language)}}/custom/{menu.slow}.wav"
        yield f" same => n,Set(MENU_SLOW=${{STAT(e,{recorded})}})"
        yield f' same => n,Set(MENU_SLOWER=${{IF($["${{MENU_SLOW}}" = "1"]?&{menu.slower})}})'
        offers += "${MENU_SLOWER}"
    if menu.reads:
        yield f" same => n,Background({_or_slow('&'.join(menu.reads), menu)})"
        yield f" same => n,{_mark('guide', '')}"
        yield f" same => n(ask),Background({offers})"
    else:
        yield f" same => n,Background({_or_slow(offers, menu)})"
    yield " same => n,WaitExten(${MENU_WAIT})"
    for choice in menu.choices:
        yield ""
        yield f"; {choice.th} · {choice.en}"
        key = _mark("key", f"{menu.id}:${{EXTEN}}")
        yield from _extension(choice.key, [key, *_steps(tree, choice, agencies, inner)])
    yield ""
    yield "; not a key of this menu: only 0-9 * and # can come here, never a caller's text"
    unknown = f"{menu.id}:${{FILTER(0-9*#,${{INVALID_EXTEN}})}}"
    yield from _fault("i", _mark("wrong_key", unknown), "hotline/wrong-key", back)
    yield ""
    yield from _fault("t", _mark("no_key", menu.id), "hotline/no-key", back)
    yield ""
    closed = [_CLOSED] if inner else []
    steps = [*closed, "Playback(hotline/to-officer)", *_queue(menu.officer)]
    yield from _extension("officer", steps)


def _or_slow(prompts: str, menu: Menu) -> str:
    """What is played: the slow form for who wants it, where this site has recorded it."""
    if not menu.slow:
        return prompts
    return f'${{IF($["${{HOTLINE_SLOW}}${{MENU_SLOW}}" = "11"]?{menu.slow}:{prompts})}}'


def _extension(name: str, steps: Sequence[str]) -> Iterator[str]:
    for number, step in enumerate(steps):
        yield f" same => n,{step}" if number else f"exten => {name},1,{step}"


def _steps(tree: Tree, choice: Choice, agencies: Mapping[str, str], inner: bool) -> list[str]:
    """What follows the key's marker."""
    service = [_mark("service", choice.service)] if choice.service else []
    if choice.kind is Kind.AGAIN:
        return ["Goto(s,again)"]
    if choice.kind is Kind.LANGUAGE:
        return [
            'Set(CHANNEL(language)=${IF($["${CHANNEL(language)}" = "th"]?en:th)})',
            _mark("language", "${CHANNEL(language)}"),
            "Goto(s,again)",
        ]
    if choice.kind is Kind.TEXT:
        return ["Goto(1203-text,s,1)"]
    if choice.kind is Kind.SLOWER:
        return [
            'Set(HOTLINE_SLOW=${IF($["${HOTLINE_SLOW}" = "1"]?0:1)})',
            "Goto(s,again)",
        ]
    if choice.kind is Kind.GOODBYE:
        return ["Playback(hotline/goodbye)", "Hangup(16)"]
    if choice.kind is Kind.STATUS:
        return [*service, "Goto(1203-status,s,1)"]
    if choice.kind is Kind.MENU and choice.target != tree.start:
        return [*service, f"Goto({context(tree, choice.target)},s,1)"]
    closed = [_CLOSED] if inner else []
    if choice.kind is Kind.MENU:
        return [*closed, f"Goto({context(tree, choice.target)},s,1)"]
    if choice.kind is Kind.AGENCY:
        return [*closed, *service, f"Goto(agency-numbers,{agencies[choice.target]},1)"]
    return [*closed, *_queue(choice.target)]


def _queue(name: str) -> list[str]:
    return [_mark("service", name), f"Goto(queues,{name},1)"]


def _fault(extension: str, mark: str, prompt: str, back: str) -> Iterator[str]:
    """Counted before a word is said: who presses on and on comes to an officer too."""
    yield f"exten => {extension},1,{mark}"
    yield " same => n,Set(MENU_FAULTS=${INC(MENU_FAULTS)})"
    yield " same => n,GotoIf($[${MENU_FAULTS} >= ${MENU_TRIES}]?last)"
    yield f" same => n,Background({prompt})"
    yield f" same => n,Goto(s,{back})"
    yield f" same => n(last),Playback({prompt})"
    yield " same => n,Goto(officer,1)"


def _mark(name: str, value: str) -> str:
    return f"Gosub(mark,s,1({name},{value}))"
