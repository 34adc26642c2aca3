/**
 * Prints what the model finds.
 *
 *   node test/model/report.ts                      all worlds and all mistakes, a line each
 *   node test/model/report.ts large                the larger worlds: minutes and gigabytes (--max-old-space-size=8000)
 *   node test/model/report.ts "increment in place" one mistake's shortest counterexample
 */
import { largeWorlds, mistakes, notPromised, worlds } from "./cases.ts";
import type { Mistake } from "./cases.ts";
import { explore } from "./checker.ts";
import type { Outcome } from "./checker.ts";
import { protocol } from "./protocol.ts";
import { rules } from "./rules.ts";
import type { World } from "./world.ts";

const print = (line: string) => process.stdout.write(`${line}\n`);

function printWorlds(chosen: Readonly<Record<string, World>>): void {
  for (const [name, world] of Object.entries(chosen)) {
    const startedAt = performance.now();
    const outcome = explore(protocol(world, rules), 16_000_000);
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    print(`${name}: ${size(outcome)}, ${seconds} s`);
    printTrace(outcome);
  }
}

function printMistake(name: string, { world, wrong }: Mistake): void {
  const outcome = explore(protocol(world, { ...rules, ...wrong }));
  print(`${name}: ${size(outcome)}`);
  printTrace(outcome);
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
const mistake = choice === undefined ? undefined : mistakes[choice];
if (choice === undefined) {
  printWorlds(worlds);
  for (const [name, each] of Object.entries(mistakes)) printMistake(name, each);
  printMistake("not promised", { world: notPromised, wrong: {}, breaks: "" });
} else if (choice === "large") {
  printWorlds(largeWorlds);
} else if (mistake !== undefined) {
  printMistake(choice, mistake);
} else {
  print(`There is no ${choice}; known are: large, ${Object.keys(mistakes).join(", ")}`);
  process.exitCode = 1;
}
