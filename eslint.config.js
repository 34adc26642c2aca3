import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Forbid imports of these folders: the arrows are services -> mixins -> lib and workers -> lib. */
const never = (message, ...folders) => ({
  patterns: folders.map((folder) => ({ regex: `(^|/)${folder}/`, message })),
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

export default tseslint.config(
  { ignores: ["dist/", "coverage/", "data/", "node_modules/", ".cache/"] },
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
      "max-lines": ["error", { max: 250, skipBlankLines: false, skipComments: false }],
    },
  },
  {
    files: ["lib/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        never("lib imports nothing above it", "services", "mixins", "workers"),
      ],
    },
  },
  {
    files: ["lib/event/**/*.ts", "lib/analytics/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          ...never("lib imports nothing above it", "services", "mixins", "workers"),
          paths: impure.map((name) => ({ name, message: "lib/event and lib/analytics are pure" })),
        },
      ],
      "no-restricted-globals": [
        "error",
        { name: "process", message: "lib/event and lib/analytics read no environment" },
        { name: "setTimeout", message: "lib/event and lib/analytics are pure" },
        { name: "setInterval", message: "lib/event and lib/analytics are pure" },
        { name: "setImmediate", message: "lib/event and lib/analytics are pure" },
      ],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "time comes as an argument" },
        { object: "Math", property: "random", message: "chance comes as an argument" },
      ],
    },
  },
  {
    files: ["mixins/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        never("mixins import lib, and reach workers by URL", "services", "workers"),
      ],
    },
  },
  {
    files: ["workers/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          ...never("workers import lib", "services", "mixins"),
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
      ],
    },
  },
  { files: ["*.js"], languageOptions: { globals: { process: "readonly", console: "readonly" } } },
);
