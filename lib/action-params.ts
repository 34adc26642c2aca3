import type { ActionParams } from "moleculer";
import type { Actions } from "./contracts.ts";
import { firstInstant, lastInstant } from "./event/instant.ts";
import { maxBatchEvents } from "./event/limits.ts";

const none = { $$strict: true };
/** Accepts any object: the action's own reader reports what is wrong in it. */
const anyObject = { $$root: true, type: "object" };
/** Accepts any value, null included: the action's own reader reports what is wrong with it. */
const anyValue = { type: "any", nullable: true };
const instant = { type: "number", integer: true, min: firstInstant, max: lastInstant };
const id = "string|min:1|max:128";
const letter = { $$strict: true, id, project: "string|optional" };
/** A saved question's name. */
const named = { $$strict: true, name: "string" };
const demand = {
  type: "multi",
  optional: true,
  rules: [
    { type: "enum", values: ["any", "absent", "present"] },
    { type: "object", strict: true, props: { versions: { type: "array", items: "string" } } },
  ],
};

/** What is kept of a key that the caller made (`KeptOfKey`). */
const kept = {
  type: "object",
  strict: true,
  props: { sha256: { type: "string", pattern: /^[\da-f]{64}$/ }, hint: "string|min:8|max:8" },
};

const ofType = { type: "string|min:1|max:512" };

/**
 * Says what each action takes, for Moleculer's validator. Handlers get only this, whatever another
 * node sends.
 */
export const actionParams: { readonly [A in keyof Actions]: ActionParams } = {
  "ingest.collect": {
    $$strict: true,
    events: { type: "array", max: maxBatchEvents },
    waitMs: "number|optional|min:0",
  },
  "ingest.health": none,
  "processor.backlog": none,
  "processor.dead.list": {
    $$strict: true,
    limit: "number|integer|positive|max:1000",
    project: "string|optional",
  },
  "processor.dead.show": letter,
  "processor.dead.holding": { $$strict: true, id, project: "string|min:1" },
  "processor.dead.replay": letter,
  "processor.dead.remove": letter,
  "processor.dead.forget": { $$strict: true, project: "string|min:1" },
  "processor.quarantine.list": anyObject,
  "processor.quarantine.show": { $$strict: true, id },
  "processor.quarantine.patch": { $$strict: true, id, patch: anyValue },
  "processor.quarantine.drop": { $$strict: true, id },
  "processor.quarantine.replay": { $$strict: true, id },
  "processor.quarantine.replayMany": anyObject,
  "processor.tellOrder": { $$strict: true, forMs: "number|positive|max:3600000" },
  "processor.health": none,
  "aggregator.audit": { $$strict: true, from: instant, to: instant },
  "aggregator.audits.begin": { $$strict: true, body: anyValue },
  "aggregator.rollups.rebuild": { $$strict: true, body: anyValue },
  "aggregator.retention.get": none,
  "aggregator.retention.put": { $$strict: true, body: anyValue },
  "aggregator.erase.event": { id },
  "aggregator.erase.events": anyObject,
  "aggregator.erase.subject": { userId: "string|min:1" },
  "aggregator.jobs.list": anyObject,
  "aggregator.jobs.get": { $$strict: true, id },
  "aggregator.health": none,
  "query.events": anyObject,
  "query.export": anyObject,
  "query.exportSubject": { userId: "string|min:1" },
  "query.mailReport": anyObject,
  "query.saved.list": none,
  "query.saved.get": named,
  "query.saved.put": { ...named, body: anyValue, demand },
  "query.saved.remove": { ...named, demand },
  "query.saved.results": {
    ...named,
    from: "any|optional",
    to: "any|optional",
    range: "any|optional",
    timezone: "any|optional",
  },
  "query.keys.list": none,
  "query.keys.get": { $$strict: true, id },
  "query.keys.create": { $$strict: true, body: anyValue, kept },
  "query.keys.rotate": { $$strict: true, id, body: anyValue, kept },
  "query.keys.revoke": { $$strict: true, id },
  "query.keys.known": { $$strict: true, version: "number|integer|optional" },
  "query.keys.used": {
    $$strict: true,
    uses: { type: "array", items: { type: "object", strict: true, props: { id, at: "number" } } },
  },
  "query.schemas.list": none,
  "query.schemas.get": { $$strict: true, ...ofType },
  "query.schemas.versions": ofType,
  "query.schemas.put": { $$strict: true, ...ofType, body: anyValue },
  "query.schemas.remove": { $$strict: true, ...ofType },
  "query.schemas.infer": ofType,
  "query.auditLog": anyObject,
  "query.event": { $$strict: true, id },
  "query.trace": { $$strict: true, id },
  "query.counts": anyObject,
  "query.run": anyObject,
  "query.funnel": anyObject,
  "query.retention": anyObject,
  "query.paths": anyObject,
  "query.story": anyObject,
  "query.catalog.types": anyObject,
  "query.catalog.properties": anyObject,
  "query.catalog.values": anyObject,
  "query.answered": anyObject,
  "query.part": {
    $$strict: true,
    format: "number",
    manifest: "string",
    asked: "string",
    timeoutMs: "number",
  },
  "query.stored": {
    $$strict: true,
    after: { type: "array", items: "number|integer", length: 2, optional: true },
    projects: "string[]",
    counted: "string[]",
    limit: "number|integer|min:0",
    window: "number|integer|min:0",
  },
  "query.seconds": { $$strict: true, to: instant, seconds: "number|integer|positive|max:60" },
  "query.outcome": { $$strict: true, id, batch: "string|min:1", hash: "string|min:1" },
  "query.health": none,
  "api-gateway.knows": { $$strict: true, nodeID: "string", services: "string[]" },
};
