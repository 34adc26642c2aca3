/**
 * Hides a property that holds a password from whatever prints, copies or sends the object. It can
 * still be read.
 */
export function hide(holder: object | undefined, name: string): void {
  if (holder !== undefined) Object.defineProperty(holder, name, { enumerable: false });
}
