/**
 * Default passwords of servers, and the placeholders of examples and templates; letters and digits
 * alone.
 */
const known = new Set(
  [
    "admin analytics changeme default example guest letmein maily mongodb pass passwd password",
    "postgres qwerty rabbitmq redis root secret test user 123456 12345678 123456789",
  ].flatMap((line) => line.split(" ")),
);

/** Placeholders that may stand within a longer text. */
const placeholder = /changeme|replaceme|yourkey|yourapikey|yourpassword|insertkey|0123456789abcdef/;

/**
 * Whether everybody knows a password or a key: a default, a placeholder, the user's own name, or
 * one character repeated.
 */
export function isKnownPassword(password: string, user?: string): boolean {
  const meant = decoded(password);
  const plain = meant.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const isUser = user !== undefined && user !== "" && meant === decoded(user);
  return isUser || known.has(plain) || placeholder.test(plain) || /^(.)\1*$/s.test(meant);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
