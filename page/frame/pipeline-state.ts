import { signal } from "@preact/signals";
import type { Health, StageState } from "../api/answers.ts";

/** The state of the whole pipeline, as it was last heard; the side bar's dot shows it. */
export const pipelineState = signal<StageState | undefined>(undefined);

/** The answer of `/health` that the side bar asked for last. */
export const lastHealth = signal<Health | undefined>(undefined);
