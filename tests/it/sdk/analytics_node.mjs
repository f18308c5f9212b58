// Sends the calls with analytics-node, set up as its README says, and prints how many were acknowledged.
import { calls, load } from "./calls.mjs";

const Analytics = load("analytics-node");
const analytics = new Analytics("any-key", { host: process.env.HOST });
const settled = calls.map(
  ({ type, ...call }) =>
    new Promise((resolve, reject) => analytics[type](call, (error) => (error ? reject(error) : resolve()))),
);
await analytics.flush();
await Promise.all(settled);
console.log(JSON.stringify({ sent: calls.length }));
