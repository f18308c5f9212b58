// Sends the calls with analytics-node, set up as its README says.
import { calls, load, make, report } from "./calls.mjs";

const Analytics = load("analytics-node");
// Without a handler a batch that was given up would end the process.
const analytics = new Analytics("any-key", { host: process.env.HOST, errorHandler: () => {} });
// The client sends the first call at once and the others beside it. Here they wait, so that the tests know which request
// is the first.
const first = make(analytics, calls.slice(0, 1));
await Promise.all(first);
const others = make(analytics, calls.slice(1));
await analytics.flush();
await report([...first, ...others]);
