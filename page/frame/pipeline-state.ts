import { signal } from "@preact/signals";
import type { StageState } from "../api/answers.ts";

/** The state of the whole pipeline, as it was last heard; the side bar's dot shows it. */
export const pipelineState = signal<StageState | undefined>(undefined);
