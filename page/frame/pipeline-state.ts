import { signal } from "@preact/signals";
import type { Health, StageState } from "../api/answers.ts";

/** The state of the whole pipeline, for the side bar's dot; `undefined` where it is not known. */
export const pipelineState = signal<StageState | undefined>(undefined);

/** The last answer of `/health`; `undefined` where the service refused it since. */
export const lastHealth = signal<Health | undefined>(undefined);
