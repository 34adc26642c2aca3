/**
 * Keep a property out of what prints, copies or sends an object: it holds a password. It is read as
 * before.
 */
export function hide(holder: object | undefined, name: string): void {
  if (holder !== undefined) Object.defineProperty(holder, name, { enumerable: false });
}
