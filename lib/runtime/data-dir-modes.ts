import { chmodSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

const ours = /^(lock|queue|store)\.sqlite|^folder\.json/;

/**
 * Lets only the owner read events, addresses and users: folder 700, files 600, later files too.
 * Files of another owner are left alone (a volume's folder that Kubernetes gave to a group), and so
 * is a folder that everybody may write (`/tmp`).
 */
export function keepToOwner(folder: string): void {
  process.umask(0o077);
  tighten(folder, 0o700);
  for (const name of readdirSync(folder)) {
    if (ours.test(name)) tighten(join(folder, name), 0o600);
  }
}

function tighten(path: string, mode: number): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isSymbolicLink()) return;
  const shared = (stat.mode & 0o1000) !== 0;
  const open = (stat.mode & 0o077) !== 0;
  if (open && !shared && stat.uid === process.getuid?.()) chmodSync(path, mode);
}
