// Loads the calls that every client sends, with real dates and with ids of this run, and the package of a client.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const text = readFileSync(`${process.env.SDK_FIXTURES}/calls.json`, "utf8").replaceAll("PREFIX", process.env.PREFIX);

export const calls = JSON.parse(text, (_, value) =>
  value !== null && typeof value === "object" && "$date" in value ? new Date(value.$date) : value,
);

export const load = createRequire(`${process.env.SDK_HOME}/`);
