import type { Address } from "../pure/address.ts";
import type { Period } from "../pure/format.ts";
import { readParameter, readParameters } from "../pure/parameters.ts";
import { lengthOf, periodFor } from "../pure/range.ts";

/** The question in the address of Trends. */
export interface TrendsQuestion {
  readonly types: readonly string[];
  readonly metric: string;
  readonly by: string | undefined;
  readonly per: Period;
  readonly shape: "line" | "bars" | "table";
  readonly hidden: readonly string[];
  readonly sort: string | undefined;
  readonly onlyWhole: boolean;
}

/** All time has no length in the address: its periods are months, unless somebody chose others. */
export function trendsQuestion(address: Address, range: string): TrendsQuestion {
  const per = readParameter(address, "per") as Period | undefined;
  return {
    types: readParameters(address, "type"),
    metric: readParameter(address, "m") ?? "count",
    by: readParameter(address, "by"),
    per: per ?? periodFor(lengthOf(range)),
    shape: (readParameter(address, "shape") as TrendsQuestion["shape"] | undefined) ?? "line",
    hidden: readParameters(address, "hide"),
    sort: readParameter(address, "sort"),
    onlyWhole: readParameter(address, "whole") !== undefined,
  };
}
