/**
 * Prints what the models of counting, condensing, compacting, keeping apart, erasing, hiding, dropping,
 * sealing and merging find.
 *
 *   node test/model/report.ts                      all worlds and all mistakes, a line each
 *   node test/model/report.ts large                the larger worlds: minutes and gigabytes (--max-old-space-size=8000)
 *   node test/model/report.ts "increment in place" one mistake's shortest counterexample
 */
import { largeWorlds, mistakes, notPromised, worlds } from "./cases.ts";
import { explore, type Model, type Outcome } from "./checker.ts";
import * as compactions from "./compaction/cases.ts";
import { compaction } from "./compaction/protocol.ts";
import { rules as compactionRules } from "./compaction/rules.ts";
import * as folds from "./condensing/cases.ts";
import { folding } from "./condensing/protocol.ts";
import { rules as foldRules } from "./condensing/rules.ts";
import * as erasures from "./erasure/cases.ts";
import { erasure } from "./erasure/protocol.ts";
import { rules as erasureRules } from "./erasure/rules.ts";
import * as bundles from "./merging/cases.ts";
import { merging } from "./merging/protocol.ts";
import { rules as mergingRules } from "./merging/rules.ts";
import { protocol } from "./protocol.ts";
import * as hidings from "./hiding/cases.ts";
import { hiding } from "./hiding/protocol.ts";
import { rules as hidingRules } from "./hiding/rules.ts";
import * as quarantines from "./quarantine/cases.ts";
import { quarantine } from "./quarantine/protocol.ts";
import { rules as quarantineRules } from "./quarantine/rules.ts";
import * as floors from "./retention/cases.ts";
import { retention } from "./retention/protocol.ts";
import { rules as floorRules } from "./retention/rules.ts";
import { rules } from "./rules.ts";
import * as segments from "./sealing/cases.ts";
import { sealing } from "./sealing/protocol.ts";
import { rules as sealingRules } from "./sealing/rules.ts";

const print = (line: string) => process.stdout.write(`${line}\n`);

type Models = Readonly<Record<string, Model<never>>>;

/** A model of each of some worlds or mistakes. */
function each<T, State>(
  cases: Readonly<Record<string, T>>,
  model: (one: T) => Model<State>,
): Models {
  const models = Object.entries(cases).map(([name, one]) => [name, model(one)] as const);
  return Object.fromEntries(models) as unknown as Models;
}

const right = {
  ...each(worlds, (world) => protocol(world, rules)),
  ...each(folds.worlds, (world) => folding(world, foldRules)),
  ...each(compactions.worlds, (world) => compaction(world, compactionRules)),
  ...each(quarantines.worlds, (world) => quarantine(world, quarantineRules)),
  ...each(erasures.worlds, (world) => erasure(world, erasureRules)),
  ...each(hidings.worlds, (world) => hiding(world, hidingRules)),
  ...each(floors.worlds, (world) => retention(world, floorRules)),
  ...each(segments.worlds, (world) => sealing(world, sealingRules)),
  ...each(bundles.worlds, (world) => merging(world, mergingRules)),
};
const large = {
  ...each(largeWorlds, (world) => protocol(world, rules)),
  ...each(folds.largeWorlds, (world) => folding(world, foldRules)),
  ...each(compactions.largeWorlds, (world) => compaction(world, compactionRules)),
  ...each(quarantines.largeWorlds, (world) => quarantine(world, quarantineRules)),
  ...each(erasures.largeWorlds, (world) => erasure(world, erasureRules)),
  ...each(floors.largeWorlds, (world) => retention(world, floorRules)),
  ...each(segments.largeWorlds, (world) => sealing(world, sealingRules)),
  ...each(bundles.largeWorlds, (world) => merging(world, mergingRules)),
};
const wrong = {
  ...each(mistakes, ({ world, wrong }) => protocol(world, { ...rules, ...wrong })),
  ...each(folds.mistakes, ({ world, wrong }) => folding(world, { ...foldRules, ...wrong })),
  ...each(compactions.mistakes, ({ world, wrong }) =>
    compaction(world, { ...compactionRules, ...wrong }),
  ),
  ...each(quarantines.mistakes, ({ world, wrong }) =>
    quarantine(world, { ...quarantineRules, ...wrong }),
  ),
  ...each(erasures.mistakes, ({ world, wrong }) => erasure(world, { ...erasureRules, ...wrong })),
  ...each(hidings.mistakes, ({ world, wrong }) => hiding(world, { ...hidingRules, ...wrong })),
  ...each(floors.mistakes, ({ world, wrong }) => retention(world, { ...floorRules, ...wrong })),
  ...each(segments.mistakes, ({ world, wrong }) => sealing(world, { ...sealingRules, ...wrong })),
  ...each(bundles.mistakes, ({ world, wrong }) => merging(world, { ...mergingRules, ...wrong })),
  "not promised": protocol(notPromised, rules) as unknown as Model<never>,
};

function printAll(models: Models): void {
  for (const [name, model] of Object.entries(models)) {
    const startedAt = performance.now();
    const outcome = explore(model, 16_000_000);
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    print(`${name}: ${size(outcome)}, ${seconds} s`);
    printTrace(outcome);
  }
}

function size({ states, transitions, depth }: Outcome): string {
  const [s, t] = [states, transitions].map((count) => count.toLocaleString("en"));
  return `${s} states, ${t} transitions, depth ${depth}`;
}

function printTrace({ violation }: Outcome): void {
  if (violation === undefined) return;
  print(`  breaks: ${violation.property}`);
  for (const [index, step] of violation.trace.entries()) print(`  ${index + 1}. ${step}`);
}

const [, , choice] = process.argv;
const models: Models = { ...right, ...large, ...wrong };
const model = choice === undefined ? undefined : models[choice];
if (choice === undefined) {
  printAll({ ...right, ...wrong });
} else if (choice === "large") {
  printAll(large);
} else if (model !== undefined) {
  printAll({ [choice]: model });
} else {
  print(`There is no ${choice}; known are: large, ${Object.keys(models).join(", ")}`);
  process.exitCode = 1;
}
