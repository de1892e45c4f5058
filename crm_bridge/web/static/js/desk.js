// What every page has: acts, keys, names to take over, running times.
import * as acts from "./act.js";
import * as keys from "./keys.js";
import * as suggest from "./suggest.js";
import * as timers from "./timers.js";

acts.install();
keys.install();
suggest.install();
timers.install();
