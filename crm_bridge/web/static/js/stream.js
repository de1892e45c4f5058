// The desk's stream: one EventSource, taken up again by itself, never silent without being noticed.
// Each event's id is remembered; one that came before is not given on twice. A page that comes back
// names the last id: the server sends what was missed as it stands now, or the whole state.
//   onEvent(kind, data)   state, call, seat, tasks, notices, now
//   onLink(up)            true when events flow, false the moment it is known that they do not
//   onEnded()             the server has ended it for good; else the sign-in page is gone to
//   kinds, silence        the events of the stream; ms without any after which it is lost

const SILENCE = 25_000; // ms; the server speaks every ten seconds
const KINDS = ["state", "call", "seat", "tasks", "notices"];
const FIRST = 300;
const LONGEST = 8_000;

function signIn() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

export class Stream {
  constructor(path, { onEvent, onLink, onEnded = signIn, kinds = KINDS, silence = SILENCE }) {
    this.path = path;
    this.onEvent = onEvent;
    this.onLink = onLink;
    this.onEnded = onEnded;
    this.kinds = [...kinds, "now", "ended"];
    this.silence = silence;
    this.last = null;
    this.source = null;
    this.failures = 0;
    this.heardAt = 0;
    this.up = null;
    this.timer = null;
  }

  start() {
    window.addEventListener("offline", () => this.lost());
    window.addEventListener("online", () => this.again(0));
    window.addEventListener("pagehide", () => this.source?.close());
    window.addEventListener("pageshow", (event) => event.persisted && this.again(0));
    // a laptop that slept: its timers stood still too, so look as soon as anything runs again
    document.addEventListener("visibilitychange", () => this.look());
    setInterval(() => this.look(), 2_000);
    this.connect();
  }

  look() {
    if (this.up && Date.now() - this.heardAt > this.silence) this.lost();
  }

  link(up) {
    if (this.up === up) return;
    this.up = up;
    this.onLink(up);
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    this.source?.close();
    const query = this.last ? `?last=${encodeURIComponent(this.last)}` : "";
    const source = new EventSource(this.path + query);
    this.source = source;
    for (const kind of this.kinds) {
      source.addEventListener(kind, (event) => this.heard(source, kind, event));
    }
    source.onerror = () => {
      if (source === this.source) this.lost();
    };
  }

  heard(source, kind, event) {
    if (source !== this.source) return;
    this.heardAt = Date.now();
    this.failures = 0;
    if (kind === "ended") {
      source.close();
      this.source = null;
      this.up = null;
      this.onEnded();
      return;
    }
    const id = event.lastEventId;
    const named = kind !== "now" && id !== "";
    // of what came twice only a whole state is taken again
    if (named && kind !== "state" && !this.newer(id)) return;
    if (named) this.last = id;
    this.onEvent(kind, JSON.parse(event.data));
    this.link(true);
  }

  newer(id) {
    if (this.last === null) return true;
    const [epoch, rest] = id.split("-");
    const [before, old] = this.last.split("-");
    return epoch !== before || Number.parseInt(rest, 10) > Number.parseInt(old, 10);
  }

  lost() {
    this.source?.close();
    this.source = null;
    this.link(false);
    this.failures += 1;
    const wait = Math.min(LONGEST, FIRST * 2 ** Math.min(this.failures - 1, 6));
    // not all desks at once when a server comes back
    this.again(wait * (0.5 + Math.random()));
    if (this.failures === 3) this.stillSignedIn();
  }

  again(ms) {
    if (this.source && this.up) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), ms);
  }

  // An EventSource does not say why it was refused; the page itself does.
  async stillSignedIn() {
    try {
      const answer = await fetch(location.pathname, { redirect: "manual", credentials: "same-origin" });
      if (answer.type === "opaqueredirect") signIn();
    } catch {
      // not reached: the next attempt tells
    }
  }
}
