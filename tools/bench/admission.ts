import { randomUUIDv7 } from "node:crypto";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { countryReader } from "../../lib/country.ts";
import { admit, jsonOfAll } from "../../lib/event/admit.ts";
import { givenIds } from "../../lib/event/given-ids.ts";
import { originReader } from "../../lib/event/enrich/ip.ts";
import { readItem } from "../../lib/http/collecting.ts";
import { jsonOf } from "../../lib/http/body.ts";

/**
 * What reading and admitting one event costs, in CPU time of one thread, without HTTP and disk:
 * `node tools/bench/admission.ts [--events 200000] [--rounds 7] [--addresses 5000]`. The fastest
 * round and the median. With 100,000 addresses none is found again.
 */
const { values } = parseArgs({
  options: {
    events: { type: "string", default: "200000" },
    rounds: { type: "string", default: "7" },
    addresses: { type: "string", default: "5000" },
  },
});
const total = Number(values.events);
const rounds = Number(values.rounds);
const addresses = Number(values.addresses);

const userAgent =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.57 Safari/537.36";
const small = () => ({ type: "email.opened", source: "mailer", metadata: { userId: "u1" } });
const full = (n: number) => ({
  id: `order-${n}`,
  type: "order.paid",
  source: "shop",
  timestamp: "2026-01-31T10:20:30.123Z",
  correlationId: `cart-${n}`,
  data: { amount: 1999 + n, plan: "pro", items: [{ sku: "a1", price: 12.5, count: 2 }] },
  metadata: {
    userId: `u${n % 1_000}`,
    ip: `81.${(n % addresses) >> 16}.${((n % addresses) >> 8) & 255}.${n & 255}`,
    userAgent,
    url: "https://shop.example/checkout?utm_source=mail&utm_campaign=spring",
    referrer: "https://mail.google.com/",
    campaignId: "spring",
  },
});

const originOf = originReader({ countryOf: countryReader(), fullIp: false });
const bodies: Readonly<Record<string, (n: number) => object>> = {
  "a small event": small,
  "a full event with an address": full,
};

console.log(`${total} events a round, load before: ${loadavg()[0]!.toFixed(2)}`);
for (const [name, eventOf] of Object.entries(bodies)) {
  const sent = Array.from({ length: 100_000 }, (_, n) => Buffer.from(JSON.stringify(eventOf(n))));
  const times = Array.from({ length: rounds }, () => round(sent)).sort((a, b) => a - b);
  console.log(
    `${name} of ${sent[0]!.length} bytes: ${times[0]!.toFixed(2)} µs at best, ${times[rounds >> 1]!.toFixed(2)} µs median`,
  );
}

/** Microseconds of CPU for each event. */
function round(sent: readonly Buffer[]): number {
  const before = process.threadCpuUsage();
  let admitted = 0;
  for (let n = 0; n < total; n++) {
    const reading = readItem(jsonOf(sent[n % sent.length]!));
    if (reading.status === "rejected") throw new Error("the event was refused");
    const { accepted } = admit([reading.input], {
      now: Date.now(),
      newId: givenIds(randomUUIDv7()),
      originOf,
    });
    if (jsonOfAll(accepted).length > 0) admitted += accepted.length;
  }
  const { user, system } = process.threadCpuUsage(before);
  if (admitted !== total) throw new Error("not every event was admitted");
  return (user + system) / total;
}
