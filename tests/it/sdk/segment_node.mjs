// Sends the calls with @segment/analytics-node, set up as its README says, and prints how many were acknowledged. With
// RETRIES the client may try again; it prints how often it did.
import { calls, load } from "./calls.mjs";

const { Analytics } = load("@segment/analytics-node");
const maxRetries = Number(process.env.RETRIES ?? 0);
const analytics = new Analytics({ writeKey: "any-key", host: process.env.HOST, maxRetries });
let requests = 0;
analytics.on("http_request", () => (requests += 1));
analytics.on("error", (error) => console.error(error));
const settled = calls.map(
  ({ type, ...call }) =>
    new Promise((resolve, reject) => analytics[type](call, (error) => (error ? reject(error) : resolve()))),
);
await analytics.closeAndFlush({ timeout: 25000 });
await Promise.all(settled);
console.log(JSON.stringify({ sent: calls.length, requests }));
