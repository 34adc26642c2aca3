import { signal } from "@preact/signals";

/**
 * The reader's key: in this tab's session storage and in the header of calls, nowhere else. It is never put into an
 * address, a text or an error.
 */
const place = "maily-key";

export type Scope = "events:write" | "events:read" | "live:read" | "admin";

/** Who asks, as `GET /api/v1/keys/self` tells it. */
export interface Caller {
  /** `open`: the service asks for no key. */
  readonly kind: "key" | "configured" | "open";
  readonly project: string;
  readonly scopes: readonly Scope[];
  readonly id?: string;
  readonly name?: string;
  readonly expiresAt: string | null;
}

/** `undefined` until it was told. */
export const caller = signal<Caller | undefined>(undefined);

/** Whether the reader may do what takes a scope; before that is known, whoever tries is told. */
export function may(scope: Scope): boolean {
  return caller.value === undefined || caller.value.scopes.includes(scope);
}

/** Whether there is a key; not the key. */
export const hasKey = signal(stored() !== null);

/** Why a key is asked for; `undefined` while none is needed. */
export const keyNeeded = signal<string | undefined>(undefined);

function stored(): string | null {
  try {
    return sessionStorage.getItem(place);
  } catch {
    return null;
  }
}

export function authorization(): Readonly<Record<string, string>> {
  const key = stored();
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

export function keepKey(key: string): void {
  sessionStorage.setItem(place, key);
  hasKey.value = true;
}

export function dropKey(): void {
  try {
    sessionStorage.removeItem(place);
  } catch {
    // Nothing was kept where nothing can be.
  }
  hasKey.value = false;
  caller.value = undefined;
}
