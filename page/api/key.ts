import { signal } from "@preact/signals";

/**
 * The reader's key: it is in this tab's session storage and in the header of calls, nowhere else.
 * It is never put into an address, a text or an error.
 */
const place = "maily-key";

/** The key where the browser keeps nothing for the page: it lasts until the page is left. */
let unkept: string | null = null;

export type Scope = "events:write" | "events:read" | "live:read" | "admin";

/** The caller, as `GET /api/v1/keys/self` describes it. */
export interface Caller {
  /** `open`: the service needs no key. */
  readonly kind: "key" | "configured" | "open";
  readonly project: string;
  readonly scopes: readonly Scope[];
  readonly id?: string;
  readonly name?: string;
  readonly expiresAt: string | null;
}

/** `undefined` until it is known. */
export const caller = signal<Caller | undefined>(undefined);

/** Whether the reader has a scope; before that is known, the answer to a call decides. */
export function may(scope: Scope): boolean {
  return caller.value === undefined || caller.value.scopes.includes(scope);
}

/** Whether there is a key; not the key itself. */
export const hasKey = signal(stored() !== null);

/**
 * Another number after each change of the key. Nothing that was answered before may be shown, or
 * kept, after it: the next key may be another project's.
 */
export const keyNumber = signal(0);

/** Why a key is needed; `undefined` while none is. */
export const keyNeeded = signal<string | undefined>(undefined);

function stored(): string | null {
  try {
    return unkept ?? sessionStorage.getItem(place);
  } catch {
    return unkept;
  }
}

export function authorization(): Readonly<Record<string, string>> {
  const key = stored();
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

export function keepKey(key: string): void {
  try {
    sessionStorage.setItem(place, key);
    unkept = null;
  } catch {
    unkept = key;
  }
  caller.value = undefined;
  hasKey.value = true;
  keyNumber.value++;
}

export function dropKey(): void {
  unkept = null;
  try {
    sessionStorage.removeItem(place);
  } catch {
    // Without storage there was nothing to remove.
  }
  const isChange = hasKey.value || caller.value !== undefined;
  hasKey.value = false;
  caller.value = undefined;
  if (isChange) keyNumber.value++;
}
