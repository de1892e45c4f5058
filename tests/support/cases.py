"""Cases for the tests: the people around one, a form filled in, a case brought to a state."""

from __future__ import annotations

from dataclasses import replace

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import answering, complaints, directing, proceedings
from crm_bridge.cases.complaints import Complaint
from crm_bridge.cases.directing import Order
from crm_bridge.cases.workflow import State

KNOWN = {"dit", "dbd", "pco-krabi"}

FORM = Complaint(
    title="ขายสินค้าเกินราคาป้าย",
    facts="ซื้อน้ำมันพืชที่ร้านเมื่อวันที่ 20 พ.ย. ป้าย 45 บาท คิด 60 บาท",
    wanted="ให้ตรวจสอบร้าน",
    respondent="ร้านตัวอย่างการค้า",
    place="ตลาดตัวอย่าง",
    province="กระบี่",
    product="น้ำมันพืช",
    complainant_name="สมหมาย ใจดี",
    complainant_number="+66812345678",
    notice_version="2569-01",
    consent=True,
    consent_how="voice",
)


class Cast:
    """The accounts around a case, made in a database."""

    agent: Account
    other_agent: Account
    supervisor: Account
    director: Account
    dit: Account
    dbd: Account
    krabi: Account
    auditor: Account

    @classmethod
    async def of(cls, database, clock) -> Cast:
        made = cls()
        wanted = {
            "agent": (Role.AGENT, None),
            "other_agent": (Role.AGENT, None),
            "supervisor": (Role.SUPERVISOR, None),
            "director": (Role.DIRECTOR, None),
            "dit": (Role.AGENCY_OFFICER, "dit"),
            "dbd": (Role.AGENCY_OFFICER, "dbd"),
            "krabi": (Role.PROVINCIAL_OFFICER, "pco-krabi"),
            "auditor": (Role.AUDITOR, None),
        }
        async with database.writing() as connection:
            for name, (role, agency) in wanted.items():
                account = await accounts.create(
                    connection, clock, login=name, role=role, agency=agency, name_th=name,
                    name_en=name, email=f"{name.replace('_', '-')}@example.go.th",
                )  # fmt: skip
                setattr(made, name, account)
        return made


def form(**changes) -> Complaint:
    return replace(FORM, **changes)


async def bring_to(database, clock, cast, state: State, agencies=("dit",), **changes):
    """A new case in this state, by the acts that lead there."""
    async with database.writing() as connection:
        case = await complaints.record(connection, clock, cast.agent, form(**changes))
        ticket = case.ticket
        if state is State.CANCELLED:
            return await proceedings.cancel(
                connection, clock, cast.agent, ticket, why="withdrawn", note="ขอถอน"
            )
        if state is State.RECORDED:
            return case
        case = await proceedings.propose(connection, clock, cast.agent, ticket)
        if state is State.RETURNED:
            return await directing.return_(
                connection, clock, cast.director, ticket, reason="ขอชื่อร้าน"
            )
        if state is State.PROPOSED:
            return case
        orders = [Order(a, "ตรวจสอบและรายงาน") for a in agencies]
        case = await directing.assign(
            connection, clock, cast.director, ticket, orders=orders, known=KNOWN
        )
        if state is State.ASSIGNED:
            return case
        for agency in agencies:
            by = {"dit": cast.dit, "dbd": cast.dbd, "pco-krabi": cast.krabi}[agency]
            case = await answering.answer(connection, clock, by, ticket, text="ตรวจแล้ว ปรับแล้ว")
        if state is State.ANSWERED:
            return case
        case = await directing.accept(connection, clock, cast.director, ticket)
        if state is State.SETTLED:
            return case
        return await proceedings.close(connection, clock, cast.agent, ticket, how="voice")
