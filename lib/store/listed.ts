import type { PageEnd } from "../event/event-page.ts";
import type { KeptJob } from "./jobs.ts";

/** A page of events as the API shows them, with what an answer about it says. */
export interface ListedPage extends PageEnd {
  /** The events as one JSON array, each as `publicEvent`, or its chosen fields. */
  readonly json: string;
  readonly events: number;
  /** The project's retention at the moment of reading; absent where it has none. */
  readonly retention: KeptJob | undefined;
}
