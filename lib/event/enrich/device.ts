import type { EventContext } from "../event.ts";

export type Device = NonNullable<EventContext["device"]>;

/**
 * Televisions, sticks and consoles. They are matched before phones and tablets, whose marks they
 * carry as well.
 */
const tv =
  /smart-?tv|hbbtv|netcast|nettv|web0s|google ?tv|android ?tv|apple ?tv|bravia|crkey|\bviera\b|\broku|\bAFT[A-Z]{1,5}\b|\btv safari\b|playstation|\bxbox\b|nintendo (?:switch|wii)/i;

const tablet = /ipad|tablet(?! pc)|playbook|\bkindle\b|\bsilk\/|\bKF[A-Z]{2,5}\b/i;

/** `Mobi` is what Mozilla advises to look for; the rest are systems that do not say it. */
const mobile =
  /mobi|iphone|ipod|windows phone|iemobile|blackberry|\bbb10\b|kaios|opera mini|\bmidp\b|j2me|symbian|dalvik|Outlook-(?:iOS|Android)/i;

const desktop = /windows|macintosh|mac os x|x11|\bcros\b|linux|bsd\b|ubuntu/i;

/**
 * The class of device a user agent runs on. An iPad that asks for desktop sites cannot be told from
 * a Mac. An Android browser without `Mobile` is a tablet's, as Chrome's documentation of its user
 * agents has it. The caller bounds the length.
 */
export function deviceOf(userAgent: string, bot: boolean): Device {
  if (bot) return "bot";
  if (tv.test(userAgent)) return "tv";
  if (tablet.test(userAgent)) return "tablet";
  if (mobile.test(userAgent)) return "mobile";
  if (/android/i.test(userAgent)) return "tablet";
  return desktop.test(userAgent) ? "desktop" : "other";
}
