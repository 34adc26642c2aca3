import type { PropertyPath } from "../../event/property-path.ts";
import { described, text, type Raw, readParameters } from "../reading/field.ts";
import {
  filterFields,
  filterOfParameters,
  openFilter,
  type OpenFilter,
} from "../reading/filter-parameters.ts";
import { relativeRange } from "../reading/relative-range.ts";
import { shownFields } from "./list.ts";

/** A checked question of `GET /api/v1/events/stream`. */
export interface StreamQuestion {
  readonly filter: OpenFilter;
  readonly fields?: readonly PropertyPath[];
  /** The id of the last frame that the client received. */
  readonly lastEventId?: string;
}

const range = described(
  relativeRange,
  "In the place of from and to: relative to now, in the zone of `timezone`; a range that holds now has no end",
);
const own = {
  fields: shownFields,
  lastEventId: described(text, "As the header Last-Event-ID, for clients that cannot set one"),
};

/** The parameters of a stream of events. */
export const streamParameters = { ...filterFields, range, ...own };
const open = openFilter([], Object.keys(own));

/** @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed */
export function readStreamQuestion(raw: Raw): StreamQuestion {
  return readParameters(
    raw,
    streamParameters,
    (values, findings) => {
      const filter = filterOfParameters(values, raw, findings);
      const { fields, lastEventId } = values;
      return { filter, fields, lastEventId };
    },
    open,
  );
}
