import { isIPv6 } from "node:net";

/** A variable: how it is read, how `.env.example` shows it, and what it decides. */
export interface Variable<T> {
  /** The default, as `.env.example` states it. */
  readonly example: string;
  /** The allowed values, in words. */
  readonly bounds?: string;
  readonly says: string;
  /** Whether it holds a secret: then `NAME_FILE` may name a file with the text instead. */
  readonly isSecret?: boolean;
  /** Reads the value; a wrong text adds a problem, and the default is returned. */
  read(text: string | undefined, name: string, problems: string[]): T;
}

export function oneOf<const T extends string>(
  allowed: readonly T[],
  otherwise: NoInfer<T>,
  says: string,
): Variable<T> {
  return {
    example: otherwise,
    bounds: allowed.join(", "),
    says,
    read(value = otherwise, name, problems) {
      const known = allowed.find((each) => each === value);
      if (known !== undefined) return known;
      problems.push(`${name} is ${JSON.stringify(value)}; allowed are ${allowed.join(", ")}`);
      return otherwise;
    },
  };
}

export function flag(otherwise: boolean, says: string): Variable<boolean> {
  const choice = oneOf(["true", "false"], otherwise ? "true" : "false", says);
  return { ...choice, read: (...given) => choice.read(...given) === "true" };
}

export function integer(
  otherwise: number,
  min: number,
  max: number,
  says: string,
): Variable<number> {
  const most = max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`;
  return {
    example: String(otherwise),
    bounds: `from ${min}${most}`,
    says,
    read(value, name, problems) {
      if (value === undefined) return otherwise;
      const number = /^\d+$/.test(value) ? Number(value) : NaN;
      if (number >= min && number <= max) return number;
      problems.push(
        `${name} is ${JSON.stringify(value)}; it must be a whole number from ${min} to ${max}`,
      );
      return otherwise;
    },
  };
}

export function text(otherwise: string, says: string): Variable<string> {
  return { example: otherwise, says, read: (value = otherwise) => value };
}

/** A host without its port, in the form that URLs have: an IPv6 address in brackets. */
export function hostName(says: string): Variable<string | undefined> {
  return {
    example: "",
    says,
    read(value, name, problems) {
      if (value === undefined || /^[a-z0-9._-]+$/i.test(value)) return value;
      const address = value.replace(/^\[(.*)\]$/, "$1");
      if (isIPv6(address) && !address.includes("%")) return `[${address}]`;
      // A whole URL by mistake may hold a password, so the value is not repeated.
      problems.push(`${name} must be the name or the address of a host alone, without a port`);
      return undefined;
    },
  };
}

export function url(schemes: readonly string[], says: string): Variable<string | null> {
  return {
    example: "",
    says,
    read(value, name, problems) {
      if (value === undefined) return null;
      const scheme = /^([a-z][a-z0-9+.-]*):\/\/[^\s/]+/i.exec(value)?.[1]?.toLowerCase();
      if (scheme !== undefined && schemes.includes(scheme)) return value;
      // The value may hold a password, so it is not repeated.
      problems.push(
        `${name} must begin with ${schemes.map((known) => `${known}://`).join(" or ")} and name a host`,
      );
      return null;
    },
  };
}

/**
 * A URL of one host, as WHATWG's standard reads it. One that reads otherwise than it was meant, such
 * as a `#` in the password, would connect elsewhere and be logged.
 */
export function urlOfHost(schemes: readonly string[], says: string): Variable<string | null> {
  const variable = url(schemes, says);
  return {
    ...variable,
    read(value, name, problems) {
      const found = variable.read(value, name, problems);
      if (found === null || isReadable(found)) return found;
      problems.push(
        `${name} cannot be read: it must be ${schemes[0]}://USER:PASSWORD@HOST:PORT, where each of : / ? # [ ] @ % in the user and the password is percent-encoded`,
      );
      return null;
    },
  };
}

function isReadable(text: string): boolean {
  try {
    const { username, password, pathname, search, hash } = new URL(text);
    decodeURIComponent(username);
    decodeURIComponent(password);
    return hash === "" && !pathname.includes("@") && !search.includes("@");
  } catch {
    return false;
  }
}

export function list<T>(
  says: string,
  read: (items: readonly string[], problems: string[]) => T,
): Variable<T> {
  return {
    example: "",
    says,
    read: (value = "", _name, problems) => read(itemsOf(value), problems),
  };
}

/** A variable whose text may also stand in a file of its own. */
export function secret<T>(variable: Variable<T>): Variable<T> {
  return { ...variable, isSecret: true };
}

/** Splits a text at commas. */
export function itemsOf(value: string): readonly string[] {
  return value
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
