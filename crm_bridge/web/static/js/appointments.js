// Appointments: the slots of a day in a form[data-slots], and the mark that a form was opened.
//   data-unit, data-province, data-party   whom and where; data-without: an appointment to be moved
//   [data-slot-day] [data-slot-minutes]    asked for; [data-slot-list] the times, as radios
//   [data-slot-officer] [data-slot-room]   those who are free at the time chosen
import { call, words } from "./act.js";

function option(one, free) {
  const made = document.createElement("option");
  made.value = one.id;
  made.textContent = words(one.th, one.en) + (one.capacity ? ` (${one.capacity})` : "");
  made.disabled = !free;
  return made;
}

function offer(select, all, free, wanted = "") {
  const before = select.value || wanted;
  const nobody = new Option(words("– เลือกเวลาก่อน –", "– choose a time first –"), "");
  select.replaceChildren(...(free.length ? all.map((one) => option(one, free.includes(one.id))) : [nobody]));
  select.value = free.includes(before) ? before : (free[0] ?? "");
}

function say(list, text) {
  const note = document.createElement("p");
  note.className = "soft";
  note.textContent = text;
  list.replaceChildren(note);
}

class Slots {
  constructor(form) {
    this.form = form;
    this.list = form.querySelector("[data-slot-list]");
    this.day = form.querySelector("[data-slot-day]");
    this.minutes = form.querySelector("[data-slot-minutes]");
    this.asked = 0;
    for (const input of [this.day, this.minutes]) input.addEventListener("change", () => this.load());
    form.addEventListener("refused", (event) => {
      if (event.detail?.type === "slot-taken") this.load();
    });
  }

  async load() {
    if (!this.day.value) return;
    const number = ++this.asked;
    const query = new URLSearchParams({
      date: this.day.value,
      minutes: this.minutes.value,
      unit: this.form.dataset.unit,
      province: this.form.dataset.province,
      party: this.form.dataset.party,
    });
    if (this.form.dataset.without) query.set("without", this.form.dataset.without);
    let answer;
    try {
      ({ answer } = await call("GET", `/api/v1/slots?${query}`));
    } catch (error) {
      if (number === this.asked) say(this.list, error.message);
      return;
    }
    if (number !== this.asked) return; // another day was chosen meanwhile
    this.show(answer);
  }

  show(answer) {
    const { slots, officers, rooms } = answer;
    const officer = this.form.querySelector("[data-slot-officer]");
    const room = this.form.querySelector("[data-slot-room]");
    offer(officer, officers, []);
    offer(room, rooms, []);
    if (!answer.working_day) return say(this.list, words("วันหยุดราชการ โปรดเลือกวันอื่น", "Not a working day: choose another"));
    if (!officers.length) return say(this.list, words("หน่วยงานนี้ยังไม่มีเจ้าหน้าที่ให้นัดหมาย หัวหน้างานหรือผู้ดูแลระบบเพิ่มได้ที่ จัดการระบบ › ห้องและเจ้าหน้าที่", "This unit has no officer to meet yet: a supervisor or administrator adds one under Set-up, Rooms"));
    if (!rooms.length) return say(this.list, words("จังหวัดนี้ยังไม่มีห้อง VDO Conference", "This province has no room yet"));
    if (!slots.length) return say(this.list, words("ไม่มีเวลาเหลือในวันนี้ โปรดเลือกวันอื่น", "No time is left on this day: choose another"));
    this.list.replaceChildren(
      ...slots.map((slot) => {
        const label = document.createElement("label");
        const radio = document.createElement("input");
        radio.type = "radio";
        radio.name = "starts_at";
        radio.value = slot.starts_at;
        radio.required = true;
        radio.disabled = !slot.free;
        label.className = slot.free ? "num" : "num taken";
        label.append(radio, slot.time);
        radio.addEventListener("change", () => {
          offer(officer, officers, slot.officers, this.form.dataset.officer);
          offer(room, rooms, slot.rooms);
        });
        return label;
      }),
    );
    // the time that was wished for, or is to be moved, stands chosen where it is free
    const wished = [...this.list.querySelectorAll("input:not(:disabled)")].find((radio) => radio.value === this.form.dataset.starts);
    wished?.click();
  }
}

for (const form of document.querySelectorAll("form[data-slots]")) {
  const slots = new Slots(form);
  const folded = form.closest("details");
  if (!folded) slots.load();
  else folded.addEventListener("toggle", () => folded.open && slots.load());
}

// The form of a call was opened: the call's step `receive` ends here. The appointment does not
// depend on it; a call that is not ours to mark is no fault of the form.
const form = document.querySelector("form[data-call]");
if (form) {
  call("POST", `/api/v1/calls/${encodeURIComponent(form.dataset.call)}/marks`, { mark: "form_opened" }).catch(() => {});
}
