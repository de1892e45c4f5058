"""What supervisors do, and how it came out, in words for the audit list."""

from __future__ import annotations

from typing import Final

from crm_bridge.desk.supervision_log import Act, Came

Words = tuple[str, str]

ACTS: Final[dict[Act, Words]] = {
    Act.LISTEN: ("ฟังสาย", "Listened"),
    Act.WHISPER: ("แนะนำเจ้าหน้าที่ในสาย", "Whispered"),
    Act.BARGE: ("ร่วมสนทนาในสาย", "Barged in"),
    Act.TAKE_OVER: ("รับสายแทน", "Took over"),
    Act.LEAVE: ("ออกจากสาย", "Left the call"),
    Act.PAUSE: ("ให้พักรับสาย", "Forced a pause"),
    Act.READY: ("ให้พร้อมรับสาย", "Ended a pause"),
    Act.SIGN_OUT: ("ให้ออกจากการรับสาย", "Signed out"),
    Act.MESSAGE: ("ส่งข้อความ", "Wrote a message"),
}
"""Act → Thai, English."""

CAME: Final[dict[Came, tuple[str, str, str]]] = {
    Came.DONE: ("สำเร็จ", "Done", "good"),
    Came.REFUSED: ("ไม่ได้ทำ", "Refused", "near"),
    Came.FAILED: ("ขัดข้อง", "A fault", "bad"),
    Came.ASKED: ("ไม่ทราบผล", "Not known", "bad"),
    Came.LOST: ("ไม่ทราบเวลาสิ้นสุด", "End not heard", "near"),
}
"""How an act came out → Thai, English, colour."""

REFUSALS: Final[dict[str, Words]] = {
    "forbidden-by-setting": ("ปิดโดยการตั้งค่า", "forbidden by setting"),
    "not-signed-in-at-a-telephone": ("ไม่ได้นั่งที่เครื่องโทรศัพท์", "sat at no telephone"),
    "officer-not-in-call": ("เจ้าหน้าที่ไม่ได้อยู่ในสาย", "the officer was not in the call"),
    "call-over": ("สายจบแล้ว", "the call was over"),
    "transfer-under-way": ("กำลังโอนสาย", "a transfer was under way"),
    "consulting": ("เจ้าหน้าที่กำลังปรึกษา", "the officer was consulting"),
    "telephone-not-free": ("เครื่องของหัวหน้างานไม่ว่าง", "the own telephone was not free"),
    "telephone-not-answered": ("ไม่ได้รับสายที่เครื่อง", "the own telephone was not picked up"),
    "telephone-silent": ("เครื่องไม่ดัง", "the own telephone did not ring"),
    "supervised-already": ("มีหัวหน้างานอื่นในสายแล้ว", "another supervisor was there"),
    "at-another-call": ("อยู่ในสายอื่น", "was at another call"),
    "in-call": ("กำลังอยู่ในสาย", "in a call"),
    "nobody-sits-there": ("ไม่มีผู้ใช้เครื่อง", "nobody sat there"),
    "line-not-connected": ("ไม่ได้เชื่อมต่อระบบโทรศัพท์", "the line was not connected"),
    "line-unconfirmed": ("ระบบโทรศัพท์ไม่ยืนยัน", "the line did not confirm it"),
}
"""Why an act was refused, by the problem's type."""
