// Sends the calls with @rudderstack/rudder-sdk-node, set up as its README says.
import { load, make, report } from "./calls.mjs";

const Analytics = load("@rudderstack/rudder-sdk-node");
// Without a handler a batch that was given up would end the process.
const options = { dataPlaneUrl: process.env.HOST, errorHandler: () => {} };
const analytics = new Analytics("any-key", options);
const made = make(analytics);
await analytics.flush();
await report(made);
