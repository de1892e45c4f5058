// What every page has: acts, keys, running times.
import * as acts from "./act.js";
import * as keys from "./keys.js";
import * as timers from "./timers.js";

acts.install();
keys.install();
timers.install();
