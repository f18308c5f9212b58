// Sends one event with @segment/analytics-node. `npm install` here, then `node send.mjs`, beside a running router.
import { Analytics } from "@segment/analytics-node";

const analytics = new Analytics({
  writeKey: process.env.WRITE_KEY ?? "dev",
  host: process.env.OPENTRACK ?? "http://127.0.0.1:3000",
});
analytics.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});
analytics.identify({ userId: "u1", traits: { plan: "pro" } });
analytics.track({ userId: "u1", event: "Order Completed", properties: { revenue: 42.5, currency: "EUR" } });
await analytics.closeAndFlush();
