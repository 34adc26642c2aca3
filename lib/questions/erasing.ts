import { isEventId } from "../event/event-schema.ts";
import type { EventId } from "../event/event.ts";
import { choice, described, type Raw, readParameters } from "./reading/field.ts";
import {
  filterFields,
  filterOfParameters,
  openFilter,
  type OpenFilter,
} from "./reading/filter-parameters.ts";

/** The events to erase. */
export type Erasure =
  | { readonly kind: "eraseEvent"; readonly id: EventId }
  | { readonly kind: "eraseEvents"; readonly filter: OpenFilter }
  | { readonly kind: "eraseSubject"; readonly userId: string };

/** A checked request to erase. */
export interface ErasureQuestion<E extends Erasure = Erasure> {
  readonly erasure: E;
  /** Whether later events may use the erased ids again. */
  readonly reusable: boolean;
}

const ids = described(
  choice(["refused", "reusable"], "refused"),
  "Whether an event that is accepted later may have an erased id again",
);

/** The parameters of erasing one event, or a person. */
export const erasureParameters = { ids };

const { range: _range, timezone: _timezone, ...filter } = filterFields;
const own = {
  ids,
  confirm: described(choice(["all"]), "Needed without any filter: every event of the project"),
};

/**
 * The parameters of erasing many events: a list's filters, and instants in place of relative
 * ranges.
 */
export const erasuresParameters = { ...filter, ...own };
const open = openFilter([], Object.keys(own), ["range", "timezone"]);

/** @throws ServiceError VALIDATION, also where no event can have the id */
export function readErasure<E extends Erasure>(erasure: E, raw: Raw): ErasureQuestion<E> {
  return readParameters(raw, erasureParameters, (values, findings) => {
    if (erasure.kind === "eraseEvent" && !isEventId(erasure.id)) {
      const message = "this is no id that an event can have";
      findings.push({ pointer: "id", code: "id", message });
    }
    return { erasure, reusable: values.ids === "reusable" };
  });
}

/**
 * @throws ServiceError VALIDATION naming each parameter that is wrong, or that the request selects
 *   nothing
 */
export function readErasures(raw: Raw): ErasureQuestion {
  return readParameters(
    raw,
    erasuresParameters,
    (values, findings) => {
      const wanted = filterOfParameters(values, raw, findings);
      if (isEmpty(wanted) && values.confirm !== "all") {
        findings.push({
          pointer: "confirm",
          code: "required",
          message: "without a filter every event would be erased: that takes confirm=all",
        });
      }
      const erasure = { kind: "eraseEvents", filter: wanted } as const;
      return { erasure, reusable: values.ids === "reusable" };
    },
    open,
  );
}

function isEmpty({ where = [], ...named }: OpenFilter): boolean {
  return where.length === 0 && Object.values(named).every((value) => value === undefined);
}
