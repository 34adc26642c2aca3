import { signal } from "@preact/signals";
import type { Health, StageState } from "../api/answers.ts";

/** The last known state of the whole pipeline, for the side bar's dot. */
export const pipelineState = signal<StageState | undefined>(undefined);

/** The last answer of `/health`. */
export const lastHealth = signal<Health | undefined>(undefined);
