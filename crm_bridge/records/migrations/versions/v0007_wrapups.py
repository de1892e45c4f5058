"""What an agent writes of a call: wrap-ups, drafts, the catalogue of subjects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CALL_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

CATALOGUE = (
    ("prices", "complaint", "ราคาสินค้าและบริการ", "Prices of goods and services", (
        ("overpriced", "จำหน่ายสินค้าราคาสูงเกินสมควร", "Sold at too high a price"),
        ("no-price-tag", "ไม่ปิดป้ายแสดงราคาสินค้า", "No price shown"),
        ("hoarding", "กักตุนสินค้า / ปฏิเสธการจำหน่าย", "Hoarding, refusal to sell"),
        ("shortage", "สินค้าขาดแคลน", "Goods in short supply"),
        ("unlike-label", "ปริมาณหรือราคาไม่ตรงตามที่แสดง", "Quantity or price not as shown"),
    )),
    ("measures", "complaint", "เครื่องชั่งตวงวัด", "Weights and measures", (
        ("short-weight", "เครื่องชั่งไม่เที่ยงตรง / โกงน้ำหนัก", "False scales, short weight"),
        ("fuel-dispenser", "มาตรวัดน้ำมันเชื้อเพลิง", "Fuel dispensers"),
        ("packaged-goods", "สินค้าหีบห่อบรรจุไม่ครบปริมาณ", "Packaged goods below quantity"),
    )),
    ("trade-conduct", "complaint", "พฤติกรรมทางการค้า", "Conduct of trade", (
        ("unfair-competition", "การแข่งขันทางการค้าที่ไม่เป็นธรรม", "Unfair competition"),
        ("nominee", "นอมินี / ธุรกิจของคนต่างด้าว", "Nominees, foreign business"),
        ("counterfeit", "สินค้าละเมิดทรัพย์สินทางปัญญา", "Goods infringing intellectual property"),
        ("officer-conduct", "การให้บริการของเจ้าหน้าที่", "Conduct of officers"),
    )),
    ("blue-flag", None, "ธงฟ้า", "Blue Flag", (
        ("blue-flag-places", "สถานที่จำหน่ายสินค้าธงฟ้า", "Where Blue Flag goods are sold"),
        ("blue-flag-shop", "การสมัครร้านค้าธงฟ้า", "Becoming a Blue Flag shop"),
        ("blue-flag-price", "ราคาสินค้าธงฟ้า", "Prices of Blue Flag goods"),
    )),
    ("registration", "information", "การจดทะเบียนธุรกิจ", "Business registration", (
        ("company-set-up", "จัดตั้งบริษัท / ห้างหุ้นส่วน", "Founding a company or partnership"),
        ("company-change", "แก้ไขเปลี่ยนแปลงทางทะเบียน", "Changes to a registration"),
        ("company-closing", "เลิกและชำระบัญชี", "Dissolution and liquidation"),
        ("certificate", "หนังสือรับรอง / คัดสำเนาเอกสาร", "Certificates and copies"),
        ("accounts-filing", "การนำส่งงบการเงิน", "Filing of financial statements"),
        ("commercial-registration", "ทะเบียนพาณิชย์ / พาณิชย์อิเล็กทรอนิกส์",
         "Commercial and e-commerce registration"),
    )),
    ("property", "information", "ทรัพย์สินทางปัญญา", "Intellectual property", (
        ("trademark", "เครื่องหมายการค้า", "Trade marks"),
        ("patent", "สิทธิบัตร / อนุสิทธิบัตร", "Patents and petty patents"),
        ("copyright", "ลิขสิทธิ์", "Copyright"),
        ("geographical", "สิ่งบ่งชี้ทางภูมิศาสตร์ (GI)", "Geographical indications"),
    )),
    ("foreign-trade", "information", "การส่งออก / นำเข้า", "Export and import", (
        ("export-licence", "ใบอนุญาตส่งออก", "Export licences"),
        ("import-licence", "ใบอนุญาตนำเข้า", "Import licences"),
        ("origin", "หนังสือรับรองถิ่นกำเนิดสินค้า", "Certificates of origin"),
        ("anti-dumping", "มาตรการปกป้องและตอบโต้การทุ่มตลาด", "Trade remedies"),
    )),
    ("privileges", "information", "สิทธิพิเศษทางการค้า", "Trade privileges", (
        ("fta", "ความตกลงการค้าเสรี (FTA)", "Free trade agreements"),
        ("gsp", "สิทธิพิเศษทางภาษีศุลกากร (GSP)", "Generalised preferences (GSP)"),
    )),
    ("farm-goods", "information", "สินค้าเกษตร", "Farm goods", (
        ("farm-prices", "ราคาสินค้าเกษตร", "Prices of farm goods"),
        ("farm-measures", "มาตรการช่วยเหลือเกษตรกร", "Measures for farmers"),
        ("income-guarantee", "ประกันรายได้เกษตรกร", "Farmers' income guarantee"),
    )),
    ("consultation", "appointment", "ปรึกษาเชิงลึกผ่าน VDO Conference",
     "In-depth advice by VDO conference", (
        ("consult-export", "ปรึกษาการส่งออก", "Advice on export"),
        ("consult-registration", "ปรึกษาการจดทะเบียน", "Advice on registration"),
        ("consult-property", "ปรึกษาทรัพย์สินทางปัญญา", "Advice on intellectual property"),
    )),
    ("markets", "market_information", "ข้อมูลการตลาด", "Market information", (
        ("e-catalog", "E-catalog / E-Marketing", "E-catalog, E-Marketing"),
        ("trade-fairs", "งานแสดงสินค้า", "Trade fairs"),
        ("trade-statistics", "สถิติและดัชนีเศรษฐกิจการค้า", "Trade statistics and indices"),
        ("trade-rules", "กฎ ระเบียบทางการค้าของประเทศคู่ค้า", "Trade rules of other countries"),
    )),
    ("other", None, "อื่น ๆ", "Other", (
        ("contact", "ขอหมายเลขติดต่อหน่วยงาน", "How to reach an agency"),
        ("ticket-status", "ติดตามสถานะเรื่องร้องเรียน", "Status of a complaint"),
        ("not-ours", "เรื่องนอกอำนาจหน้าที่ของกระทรวง", "Not a matter of the ministry"),
        ("no-talk", "สายหลุด / ไม่มีผู้พูด", "Cut off, nobody spoke"),
    )),
)  # fmt: skip
"""Heading: id, service, Thai, English, its subjects. What administrators begin with."""


def upgrade() -> None:
    made = op.create_table(
        "subjects",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text()),
        sa.Column("service", sa.Text()),
        sa.Column("name_th", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subjects"),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["subjects.id"], name="fk_subjects_parent_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_subjects_parent_id", "subjects", ["parent_id", "ordinal"])
    op.bulk_insert(made, list(_rows()))
    op.create_table(
        "wrapups",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text()),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("follow_up", sa.Text(), nullable=False),
        sa.Column("follow_up_on", sa.Text()),
        sa.Column("follow_up_done", sa.Boolean(), nullable=False),
        sa.Column("informed", sa.Boolean(), nullable=False),
        sa.Column("asked_agency", sa.Boolean(), nullable=False),
        sa.Column("saved_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "agent", name="pk_wrapups"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_wrapups_account_id"),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name="fk_wrapups_subject_id"),
    )
    op.create_index("ix_wrapups_agent", "wrapups", ["agent", "saved_us"])
    op.create_index("ix_wrapups_account_id", "wrapups", ["account_id", "saved_us"])
    op.create_index("ix_wrapups_subject_id", "wrapups", ["subject_id"])
    op.create_table(
        "drafts",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "key", name="pk_drafts"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_drafts_account_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "lost_call_ends",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_lost_call_ends"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_lost_call_ends_account_id"
        ),
    )
    op.create_index("ix_agent_parts_agent", "agent_parts", ["agent", "released_us"])
    op.create_index("ix_calls_outcome", "calls", ["outcome", "entered_us"])


def _rows() -> Iterator[dict[str, Any]]:
    for n, (heading, service, th, en, below) in enumerate(CATALOGUE, 1):
        yield _row(heading, None, service, th, en, n)
        for m, (name, name_th, name_en) in enumerate(below, 1):
            yield _row(name, heading, service, name_th, name_en, m)


def _row(
    name: str, parent: str | None, service: str | None, th: str, en: str, ordinal: int
) -> dict[str, Any]:
    return {
        "id": name, "parent_id": parent, "service": service, "name_th": th, "name_en": en,
        "active": True, "ordinal": ordinal, "updated_us": 0, "version": 1,
    }  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_calls_outcome", "calls")
    op.drop_index("ix_agent_parts_agent", "agent_parts")
    for table in ("lost_call_ends", "drafts", "wrapups", "subjects"):
        op.drop_table(table)
