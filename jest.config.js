const project = (name) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testEnvironment: "node",
  transform: {},
  extensionsToTreatAsEsm: [".ts"],
  setupFiles: ["<rootDir>/test/mend-json-parse.ts"],
});

export default {
  projects: ["unit", "contract", "types", "integration"].map(project).concat({
    ...project("e2e"),
    setupFiles: ["<rootDir>/test/mend-json-parse.ts", "<rootDir>/test/e2e/check-answers.ts"],
  }),
  testSequencer: "<rootDir>/test/longest-first.ts",
  coverageProvider: "v8",
  collectCoverageFrom: [
    "lib/**/*.ts",
    "mixins/**/*.ts",
    "services/**/*.ts",
    "workers/**/*.ts",
  ].concat("client/{src,cli}/**/*.ts"),
  testTimeout: 180_000,
};
