import { randomUUID } from "node:crypto";
import { Binary } from "mongodb";
import type { Collections, RollupDocument, SectionTexts, Spill } from "./documents.ts";
import { insertAbsent } from "./writes.ts";

/** A rollup, perhaps without some of its sections. */
export type RollupView = Pick<RollupDocument, "_id" | "start" | "v" | "sections" | "spill">;

/**
 * Fits the texts of a rollup, or of a minute's fold, into one document of at most `maxBytes`:
 * MongoDB's documents may have 16 MiB, and a thousand types with a thousand values each are more.
 * The largest sections are written to parts, which nobody reads before a document that names their
 * nonce is written.
 */
export async function spill(
  { rollupParts }: Pick<Collections, "rollupParts">,
  id: string,
  texts: SectionTexts,
  maxBytes: number,
): Promise<Pick<RollupDocument, "sections" | "spill">> {
  const bySize = Object.entries(texts)
    .map(([field, text]) => ({ field, text, size: Buffer.byteLength(text) }))
    .sort((a, b) => a.size - b.size);
  let total = bySize.reduce((sum, { size }) => sum + size, 0);
  if (total <= maxBytes) return { sections: texts };

  const nonce = randomUUID();
  const parts: Record<string, number> = {};
  for (let largest = bySize.pop(); largest !== undefined; largest = bySize.pop()) {
    const { field, text, size } = largest;
    const bytes = Buffer.from(text);
    const count = Math.ceil(size / maxBytes);
    const documents = Array.from({ length: count }, (_, n) => ({
      _id: partId(id, nonce, field, n),
      bytes: new Binary(bytes.subarray(n * maxBytes, (n + 1) * maxBytes)),
    }));
    await insertAbsent(rollupParts, documents);
    parts[field] = count;
    total -= size;
    if (total <= maxBytes) break;
  }
  const inline = bySize.map(({ field, text }) => [field, text] as const);
  return { sections: Object.fromEntries(inline), spill: { nonce, parts } };
}

/**
 * A rollup with those requested sections that are kept in parts. One that was replaced meanwhile,
 * so that its parts are gone, is read again: the result is of one version.
 * @param fields the fields of the sections; absent: all
 */
export async function complete(
  collections: Collections,
  rollup: RollupView,
  fields?: readonly string[],
): Promise<RollupView> {
  let view = rollup;
  for (;;) {
    const texts = await textsIn(collections, view, fields);
    if (texts !== undefined) return { ...view, sections: { ...view.sections, ...texts } };
    const newer: RollupView | null = await collections.rollups.findOne(
      { _id: view._id },
      fields && { projection: projectionOf(fields) },
    );
    if (newer === null || newer.spill?.nonce === view.spill?.nonce) {
      throw new Error(`the rollup ${view._id} has lost parts`);
    }
    view = newer;
  }
}

/** The fields of a rollup that `complete` needs. */
export function projectionOf(fields: readonly string[]): Readonly<Record<string, 1>> {
  const sections = fields.map((field) => [`sections.${field}`, 1] as const);
  return { start: 1, v: 1, spill: 1, ...Object.fromEntries(sections) };
}

/** Removes the parts of a rollup or fold that was not stored, or is replaced. */
export async function dropParts(
  { rollupParts }: Pick<Collections, "rollupParts">,
  id: string,
  spilled: Spill | undefined,
): Promise<void> {
  if (spilled === undefined) return;
  const ids = Object.keys(spilled.parts).flatMap((field) => partIds(id, spilled, field));
  await rollupParts.deleteMany({ _id: { $in: ids } });
}

/** The texts that are kept in parts; `undefined` where some parts are gone. */
export async function textsIn(
  { rollupParts }: Pick<Collections, "rollupParts">,
  { _id, spill: spilled }: Pick<RollupView, "_id" | "spill">,
  fields: readonly string[] | undefined,
): Promise<SectionTexts | undefined> {
  if (spilled === undefined) return {};
  const wanted = Object.keys(spilled.parts).filter((field) => fields?.includes(field) ?? true);
  const texts: Record<string, string> = {};
  for (const field of wanted) {
    const ids = partIds(_id, spilled, field);
    const found = await rollupParts.find({ _id: { $in: ids } }).toArray();
    if (found.length < ids.length) return undefined;
    const bytes = new Map(found.map((part) => [part._id, part.bytes.value()]));
    texts[field] = Buffer.concat(ids.map((id) => bytes.get(id)!)).toString();
  }
  return texts;
}

function partIds(id: string, { nonce, parts }: Spill, field: string): string[] {
  return Array.from({ length: parts[field]! }, (_, n) => partId(id, nonce, field, n));
}

function partId(id: string, nonce: string, field: string, n: number): string {
  return `${id}|${nonce}|${field}|${n}`;
}
