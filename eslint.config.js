import js from "@eslint/js";
import tseslint from "typescript-eslint";
import layout from "./tools/lint/arrows.js";

/**
 * Who may use whom, besides itself: the folders are the flow, event -> counting -> questions -> store -> answers.
 * CONTRIBUTING.md explains the tree.
 */
const asked = [
  "lib/errors.ts",
  "lib/schema",
  "lib/keys",
  "lib/event",
  "lib/counting",
  "lib/questions",
];
const backEnd = [...asked, "lib/store", "lib/store/columns", "lib/store/entities"].concat([
  "lib/concurrency",
  "lib/log.ts",
]);
const queueEnd = ["lib/errors.ts", "lib/queue", "lib/log.ts"];
const rooms = {
  "lib/errors.ts": [],
  "lib/schema": [],
  "lib/log.ts": [],
  "lib/metrics.ts": [],
  "lib/tracing": ["lib/errors.ts", "lib/store"],
  "lib/concurrency": ["lib/errors.ts"],
  "lib/sqlite": [],
  "lib/keys": [],
  "lib/known-passwords.ts": [],
  "lib/variable.ts": [],
  "lib/variables.ts": ["lib/keys", "lib/call-limits.ts", "lib/variable.ts"],
  "lib/config.ts": ["lib/variable.ts", "lib/variables.ts", "lib/known-passwords.ts"],
  "lib/call-limits.ts": ["lib", "lib/concurrency", "lib/queue"],
  "lib/event": ["lib/errors.ts", "lib/schema"],
  "lib/counting": ["lib/errors.ts", "lib/event"],
  "lib/questions": ["lib/errors.ts", "lib/schema", "lib/keys", "lib/event", "lib/counting"],
  "lib/store": asked,
  "lib/store/columns": [...asked, "lib/store"],
  "lib/store/entities": [...asked, "lib/store"],
  "lib/store/sqlite": [...backEnd, "lib/sqlite"],
  "lib/store/mongo": [...backEnd, "lib/config.ts"],
  "lib/store/open.ts": [...backEnd, "lib/store/sqlite", "lib/store/mongo", "lib/config.ts"],
  "lib/answers": [...asked, "lib/store", "lib/concurrency"],
  "lib/live": [...asked, "lib/store"],
  "lib/queue": ["lib/errors.ts"],
  "lib/queue/embedded": [...queueEnd, "lib/sqlite", "lib/concurrency"],
  "lib/queue/rabbitmq": [...queueEnd, "lib/cluster", "lib/concurrency"],
  "lib/queue/open.ts": [...queueEnd, "lib/queue/embedded", "lib/queue/rabbitmq", "lib/config.ts"],
  "lib/cluster": ["lib/errors.ts", "lib/log.ts", "lib/call-limits.ts", "lib/concurrency"],
  "lib/rate-limit": ["lib/errors.ts", "lib/log.ts", "lib/cluster"],
  "lib/http": ["lib/errors.ts", "lib/keys", "lib/config.ts", "lib/concurrency"].concat([
    "lib/event",
    "lib/questions",
  ]),
  "lib/page": ["lib/errors.ts", "lib/http"],
  "lib/openapi": [...asked, "lib", "lib/answers", "lib/keys", "lib/runtime"],
};
const libRooms = ["lib", ...Object.keys(rooms)];
/** The rooms that mixins of any service use. */
const mixinRooms = [
  "lib",
  "mixins",
  ...asked,
  "lib/store",
  "lib/store/open.ts",
  "lib/queue",
  "lib/queue/open.ts",
].concat([
  "lib/keys",
  "lib/concurrency",
  "lib/log.ts",
  "lib/metrics.ts",
  "lib/tracing",
  "lib/config.ts",
  "lib/call-limits.ts",
]);
Object.assign(rooms, {
  lib: libRooms,
  mixins: mixinRooms,
  "mixins/gateway": [
    ...mixinRooms,
    "lib/http",
    "lib/rate-limit",
    "lib/live",
    "lib/page",
    "lib/openapi",
  ],
  "mixins/ingest": mixinRooms,
  "mixins/processor": mixinRooms,
  "mixins/aggregator": mixinRooms,
  "mixins/query": [...mixinRooms, "lib/answers"],
  workers: libRooms,
  // The client takes types from the service, nothing that runs: a rule below holds it to that.
  "client/src": [
    "lib",
    "lib/errors.ts",
    "lib/event",
    "lib/questions",
    "lib/answers",
    "lib/live",
    "lib/http",
  ],
  "client/cli": ["client/src"],
  services: [...libRooms, "mixins", "mixins/gateway", "mixins/ingest", "mixins/processor"].concat([
    "mixins/aggregator",
    "mixins/query",
  ]),
});

const impure = [
  "node:fs",
  "node:fs/promises",
  "node:net",
  "node:http",
  "node:https",
  "node:worker_threads",
  "node:sqlite",
  "node:timers",
  "node:timers/promises",
  "node:child_process",
  "node:process",
  "moleculer",
];
const isPure = "lib/event, lib/counting and lib/questions are pure";

export default tseslint.config(
  { ignores: ["**/dist/", "coverage/", "data/", "node_modules/", ".cache/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": ["error", { ignoreVoid: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      // An async function without await rejects where another one would throw: that is what a contract asks for.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", destructuredArrayIgnorePattern: "^_" },
      ],
      // A warning sign, not a measure: a file is as long as its subject.
      "max-lines": ["warn", { max: 400, skipBlankLines: false, skipComments: false }],
    },
  },
  {
    files: ["lib/**/*.ts", "mixins/**/*.ts", "services/**/*.ts", "workers/**/*.ts"].concat(
      "client/{src,cli}/**/*.ts",
    ),
    plugins: { layout },
    rules: { "layout/arrows": ["error", rooms], "layout/no-circle": "error" },
  },
  {
    files: ["lib/event/**/*.ts", "lib/counting/**/*.ts", "lib/questions/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { paths: impure.map((name) => ({ name, message: isPure })) },
      ],
      "no-restricted-globals": [
        "error",
        ...["process", "setTimeout", "setInterval", "setImmediate"].map((name) => ({
          name,
          message: isPure,
        })),
      ],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "time comes as an argument" },
        { object: "Math", property: "random", message: "chance comes as an argument" },
      ],
    },
  },
  {
    files: ["client/src/**/*.ts"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "/lib/",
              allowTypeImports: true,
              message: "the client runs without the service",
            },
            { regex: "^[^.]", message: "the client has no dependencies, and runs in browsers" },
          ],
        },
      ],
    },
  },
  {
    files: ["workers/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: [
            { name: "moleculer", message: "worker threads stay small: no Moleculer in them" },
          ],
        },
      ],
    },
  },
  {
    files: ["services/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            { regex: "\\.service\\.ts$", message: "services meet in lib/contracts.ts" },
            { regex: "(^|/)workers/", message: "services reach workers through mixins" },
          ],
        },
      ],
    },
  },
  {
    files: ["lib/**/*.ts", "mixins/**/*.ts", "services/**/*.ts", "workers/**/*.ts"],
    ignores: ["lib/config.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "MemberExpression[object.name='process'][property.name='env']",
          message: "the environment is read in lib/config.ts",
        },
        {
          selector: "MemberExpression[object.property.name='broker'][property.name='metrics']",
          message: "Moleculer's own metrics are off: a service counts with this.metrics",
        },
      ],
    },
  },
  {
    files: ["page/**/*.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({
          property,
          message: "texts are texts: the page makes no markup of them",
        })),
        ...["toLocaleString", "toFixed"].map((property) => ({
          property,
          message: "numbers and times are written in page/pure/format.ts alone",
        })),
      ],
    },
  },
  {
    files: ["page/**/*.ts"],
    ignores: ["page/pure/format.ts", "page/pure/zone.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector:
            "MemberExpression[object.name='Intl'][property.name=/NumberFormat|RelativeTime/]",
          message: "numbers and times are written in page/pure/format.ts alone",
        },
      ],
    },
  },
  {
    files: ["*.js", "tools/**/*.js"],
    languageOptions: { globals: { process: "readonly", console: "readonly" } },
  },
);
