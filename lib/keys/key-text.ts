import { hash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/**
 * The form of a key that the service creates: `mak_`, 256 random bits as 43 digits of base 62, `_`,
 * and the CRC-32 of everything before as 6 such digits. Tools that search for leaked keys find it
 * by this expression, and the checksum excludes texts that only look alike.
 */
export const keyPattern = /^mak_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/;

const prefix = "mak_";
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const randomDigits = 43;
const checkDigits = 6;
/** The length of a hint: it tells a person's keys apart and leaves 232 bits unknown. */
const hintLength = prefix.length + 4;

/** What the service keeps of a key. */
export interface KeptOfKey {
  /** Hexadecimal. */
  readonly sha256: string;
  readonly hint: string;
}

/**
 * Makes a new key. Whoever makes it shows it to the caller; nobody else ever has its text.
 * @returns its text, and what other services get of it
 */
export function makeKey(): { readonly text: string; readonly kept: KeptOfKey } {
  const text = keyTextOf(randomBytes(32));
  return { text, kept: { sha256: digestOf(text), hint: hintOf(text) } };
}

/** @param random 32 bytes that nobody can guess */
export function keyTextOf(random: Uint8Array): string {
  const number = BigInt(`0x${Buffer.from(random).toString("hex")}`);
  const body = prefix + inBase62(number, randomDigits);
  return `${body}_${checkOf(body)}`;
}

/** Whether a text was meant to be such a key, even with a typo. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith(prefix);
}

/** Whether a text can be such a key: its form and its checksum are right. */
export function isKeyText(text: string): boolean {
  if (!keyPattern.test(text)) return false;
  const at = text.length - checkDigits;
  return checkOf(text.slice(0, at - 1)) === text.slice(at);
}

/** The part of a key by which a person recognizes it. */
function hintOf(text: string): string {
  return text.slice(0, hintLength);
}

/** The stored form of a key. It needs no slow hash, since a key has 256 random bits. */
function digestOf(text: string): string {
  return hash("sha256", text);
}

function checkOf(text: string): string {
  return inBase62(BigInt(crc32(text)), checkDigits);
}

function inBase62(number: bigint, length: number): string {
  let text = "";
  for (let rest = number; text.length < length; rest /= 62n) {
    text = digits[Number(rest % 62n)]! + text;
  }
  return text;
}
