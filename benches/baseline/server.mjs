// A tracking endpoint of the kind that users come from: h3 reads a request, zod checks it, the answer goes out at once, and
// every integration gets the event afterwards. Nothing is kept: what waits is lost with the process.
//
//   node server.mjs PORT URL     each event is posted to URL, in a request of its own
import { Agent, createServer, request } from "node:http";
import { createApp, createError, createRouter, defineEventHandler, readBody, toNodeListener } from "h3";
import { z } from "zod";

const [port, ...urls] = process.argv.slice(2);

const anything = z.record(z.unknown());
const common = z.object({
  messageId: z.string().max(255).optional(),
  anonymousId: z.string().nullish(),
  userId: z.string().nullish(),
  timestamp: z.string().datetime({ offset: true }).optional(),
  sentAt: z.string().datetime({ offset: true }).optional(),
  context: anything.optional(),
  integrations: anything.optional(),
});
const known = (call) => Boolean(call.userId || call.anonymousId);
const somebody = { message: "userId or anonymousId is required", path: ["userId"] };
const calls = {
  track: common.extend({ event: z.string().min(1), properties: anything.optional() }).refine(known, somebody),
  identify: common.extend({ traits: anything.optional() }).refine(known, somebody),
  page: common.extend({ name: z.string().nullish(), properties: anything.optional() }).passthrough().refine(known, somebody),
  screen: common.extend({ name: z.string().nullish(), properties: anything.optional() }).passthrough().refine(known, somebody),
  group: common.extend({ groupId: z.string().min(1), traits: anything.optional() }).refine(known, somebody),
  alias: common.extend({ previousId: z.string().min(1), userId: z.string().min(1) }),
};

// Kept connections, and not more than a receiver stands: otherwise each waiting event would open one.
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

const deliver = (url, call) =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify(call);
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const sent = request(url, { method: "POST", agent, headers }, (answer) => {
      answer.resume();
      answer.on("end", () => (answer.statusCode < 300 ? resolve() : reject(new Error(`answered ${answer.statusCode}`))));
    });
    sent.on("error", reject);
    sent.end(body);
  });

// Nobody waits for it.
const fanOut = (call) =>
  Promise.allSettled(urls.map((url) => deliver(url, call))).then((all) => {
    for (const one of all) if (one.status === "rejected") console.error(one.reason.message);
  });

const check = (type, call) => {
  const checked = calls[type]?.safeParse(call);
  if (!checked?.success) {
    throw createError({ statusCode: 400, message: "Invalid payload", data: checked?.error.issues });
  }
  return { type, ...checked.data };
};

const router = createRouter();
for (const type of Object.keys(calls)) {
  router.post(
    `/v1/${type}`,
    defineEventHandler(async (event) => {
      fanOut(check(type, await readBody(event)));
      return { success: true };
    }),
  );
}
router.post(
  "/v1/batch",
  defineEventHandler(async (event) => {
    const { batch } = await readBody(event);
    for (const call of batch.map((call) => check(call.type, call))) fanOut(call);
    return { success: true };
  }),
);
router.get("/health", defineEventHandler(() => ({ ok: true })));

createServer(toNodeListener(createApp().use(router))).listen(Number(port), "127.0.0.1");
