import { ServiceError } from "../errors.ts";

/**
 * Parameters of an address by name, as they were written; a repeated name has its values in order.
 */
export type Parameters = Record<string, string | string[]>;

/** The most pairs of an address, far above what any route needs. */
const maxPairs = 1_000;

/**
 * Reads the query string of an address: `name=value` pairs joined by `&`, percent-encoded, `+` for
 * a space. Names are not interpreted: `data.amount[gte]`, `data.tags[]` and `data["http.status"]`
 * stay as they were written. Nothing is dropped silently: unreadable parts are refused.
 * @param search the text after the question mark
 * @throws ServiceError MALFORMED for a pair without a name, a broken percent-encoding or too many
 *   pairs; VALIDATION for the name `__proto__`, which an object cannot hold beside others
 */
export function readQueryString(search: string): Parameters {
  const parameters: Parameters = {};
  if (search === "") return parameters;
  const pairs = search.split("&", maxPairs + 1);
  if (pairs.length > maxPairs) {
    throw new ServiceError("MALFORMED", `An address may have at most ${maxPairs} parameters`);
  }
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : decoded(pair.slice(equals + 1));
    if (name === "") throw new ServiceError("MALFORMED", "A parameter of the address has no name");
    if (name === "__proto__") throw unknownParameter(name);
    const before = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (before === undefined) parameters[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else parameters[name] = [before, value];
  }
  return parameters;
}

/** The error of a parameter that an address does not take. */
export function unknownParameter(
  name: string,
  message = "there is no parameter of this name",
): ServiceError {
  return new ServiceError("VALIDATION", undefined, {
    errors: [{ pointer: name, code: "unknown_parameter", message }],
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new ServiceError("MALFORMED", "The address has a broken percent-encoding");
  }
}
