import { parameter, parameterList, type Address } from "../pure/address.ts";
import type { Period } from "../pure/format.ts";
import { isMetric } from "../pure/metric.ts";
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

const periods: readonly string[] = ["minute", "hour", "day", "week", "month"];

/** All time has no length in the address: its periods are months, unless somebody chose others. */
export function trendsQuestion(address: Address, range: string): TrendsQuestion {
  const metric = parameter(address, "m") ?? "count";
  const per = parameter(address, "per") ?? "";
  const shape = parameter(address, "shape");
  return {
    types: parameterList(address, "type"),
    metric: isMetric(metric) ? metric : "count",
    by: parameter(address, "by"),
    per: periods.includes(per) ? (per as Period) : periodFor(lengthOf(range)),
    shape: shape === "bars" || shape === "table" ? shape : "line",
    hidden: parameterList(address, "hide"),
    sort: parameter(address, "sort"),
    onlyWhole: parameter(address, "whole") === "1",
  };
}
