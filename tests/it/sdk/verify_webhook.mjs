// Verifies a delivery with the official Standard Webhooks library: reads {secret, headers, body} on standard input.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Webhook } = createRequire(`${process.env.SDK_HOME}/`)("standardwebhooks");
const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
new Webhook(secret).verify(body, headers);
console.log(JSON.stringify({ verified: true }));
