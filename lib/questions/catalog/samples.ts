import { propertiesSample, type Properties, type PropertiesJob } from "./properties.ts";
import type { Sample } from "./sample.ts";
import { valuesSample, type Values, type ValuesJob } from "./values.ts";

/** The kinds of samples. */
interface Samples {
  readonly properties: { readonly job: PropertiesJob; readonly result: Properties };
  readonly values: { readonly job: ValuesJob; readonly result: Values };
}

export type SampleKind = keyof Samples;
export type SampleJob<K extends SampleKind = SampleKind> = Samples[K]["job"] & { readonly kind: K };
export type SampleResult<K extends SampleKind = SampleKind> = Samples[K]["result"];

const makers: { readonly [K in SampleKind]: (job: SampleJob<K>) => Sample<SampleResult<K>> } = {
  properties: propertiesSample,
  values: valuesSample,
};

/** Begin the sample that a job asks for. */
export function sampleOf<K extends SampleKind>(job: SampleJob<K>): Sample<SampleResult<K>> {
  return makers[job.kind](job);
}
