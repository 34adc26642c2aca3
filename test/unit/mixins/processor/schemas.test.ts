import type { SchemasOfProject } from "../../../../lib/event/schemas/schema.ts";
import { SchemaBookMixin } from "../../../../mixins/processor/schemas.mixin.ts";

test("a schema is learnt whose change was stored and never announced, under another key", async () => {
  let stored: readonly object[] = [];
  let reads = 0;
  const book = {
    store: {
      schemas: {
        version: () => Promise.resolve(7),
        current: () => {
          reads += 1;
          return Promise.resolve(stored);
        },
      },
      quarantine: { count: () => Promise.resolve(0) },
    },
    metrics: { set: () => undefined },
    schemas: new Map<string, SchemasOfProject>(),
    schemasVersion: undefined,
    schemasReadAt: -Infinity,
    schemasWholeAt: -Infinity,
  };
  const { methods } = SchemaBookMixin() as unknown as {
    readonly methods: { lookForSchemas(this: typeof book): Promise<void> };
  };
  const look = () => methods.lookForSchemas.call(book);
  const ofType = (mode: string) => {
    const current = JSON.stringify({ version: 1, mode, schema: {}, createdAt: 0 });
    return [{ project: "p", type: "a", current }];
  };
  stored = ofType("observe");
  await look();
  const first = book.schemas.get("p")!;
  stored = ofType("enforce");
  await look();
  expect(reads).toBe(1);

  book.schemasWholeAt -= 60_000;
  await look();
  const second = book.schemas.get("p")!;
  expect(second.key).not.toBe(first.key);
  expect(new TextDecoder().decode(new Uint8Array(second.bytes).slice())).toContain("enforce");
  book.schemasWholeAt -= 60_000;
  await look();
  expect(book.schemas.get("p")!.key).toBe(second.key);
});
