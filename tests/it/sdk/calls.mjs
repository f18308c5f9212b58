// Loads the calls that every client sends, with real dates and with ids of this run, and the package of a client.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const text = readFileSync(`${process.env.SDK_FIXTURES}/calls.json`, "utf8").replaceAll("PREFIX", process.env.PREFIX);

export const calls = JSON.parse(text, (_, value) =>
  value !== null && typeof value === "object" && "$date" in value ? new Date(value.$date) : value,
);

export const load = createRequire(`${process.env.SDK_HOME}/`);

// Makes these calls; each becomes a promise of what the client says of it, which never rejects.
export const make = (analytics, some = calls) =>
  some.map(
    ({ type, ...call }) =>
      new Promise((resolve) => analytics[type](call, (error) => resolve({ id: call.messageId, error }))),
  );

// Prints which calls the client says were delivered, and which it gave up.
export async function report(promises) {
  const outcomes = await Promise.all(promises);
  const failed = outcomes.filter(({ error }) => error);
  failed.forEach(({ id, error }) => console.error(id, String(error)));
  const ids = (list) => list.map(({ id }) => id);
  console.log(JSON.stringify({ delivered: ids(outcomes.filter(({ error }) => !error)), failed: ids(failed) }));
}
