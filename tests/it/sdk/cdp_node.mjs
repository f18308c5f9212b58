// Sends the calls with @customerio/cdp-analytics-node, set up as its README says.
import { load, make, report } from "./calls.mjs";

const { Analytics } = load("@customerio/cdp-analytics-node");
const analytics = new Analytics({ writeKey: "any-key", host: process.env.HOST });
analytics.on("error", (error) => console.error(error));
const made = make(analytics);
await analytics.closeAndFlush({ timeout: 25000 });
await report(made);
