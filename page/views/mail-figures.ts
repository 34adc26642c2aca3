import { h } from "preact";
import { html, type Children, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import { Tips } from "../parts/tips.ts";
import { number, percent } from "../pure/format.ts";
import type { MailNumbers } from "./mail.ts";

/**
 * From the first rate on mailbox providers ask senders to act, from the second on they refuse mails
 * (docs/mail-report.md).
 */
export const complaintsMany = 0.001;
export const complaintsTooMany = 0.003;

export type Alarm = "" | "warn" | "bad";

export function alarmOf(complaint: number | null): Alarm {
  if (complaint === null || complaint < complaintsMany) return "";
  return complaint < complaintsTooMany ? "warn" : "bad";
}

/** The five figures of all mails together. */
export function Figures({ total }: { readonly total: MailNumbers }): VNode {
  const { sent, delivered, bounced, opened, clicked, complained, rates } = total;
  const alarm = alarmOf(rates.complaint);
  const ofDelivered = (count: number) => `${number(count)} of ${number(delivered)} delivered`;
  return h(
    Tips,
    {},
    html`<dl class="mail-figures">
      ${h(Figure, {
        name: "Delivered",
        value: percent(rates.delivery),
        under: `${number(delivered)} of ${number(sent)} sent`,
      })}
      ${h(Figure, {
        name: "Bounced",
        value: percent(rates.bounce),
        under: `${percent(rates.hardBounce)} hard: ${number(bounced.hard)}`,
        tip: `${number(bounced.total)} bounced, ${number(bounced.recovered)} of them were delivered later; of ${number(sent)} sent`,
      })}
      ${h(
        Figure,
        {
          name: "Opened",
          value: html`${percent(rates.open)}
            <span class="to">to</span> ${percent(rates.openWithMachines)}`,
          under: "without machines, and with them",
          tip: `By people ${ofDelivered(opened.human.unique)}; with machines ${number(opened.unique)}. Who opened lies between.`,
          className: "opened",
        },
        h(Span, { from: rates.open, to: rates.openWithMachines }),
      )}
      ${h(Figure, {
        name: "Clicked",
        value: percent(rates.click),
        under: ofDelivered(clicked.human.unique),
        tip: `By people; with machines ${number(clicked.unique)}`,
      })}
      ${h(Figure, {
        name: "Complaints",
        value:
          alarm === ""
            ? percent(rates.complaint)
            : html`${h(Icon, { name: "alert", size: 20 })}${percent(rates.complaint)}<span
                  class="visually-hidden"
                  >, ${alarm === "bad" ? "too many" : "many"}</span
                >`,
        under: "mailbox providers count otherwise",
        tip: `${ofDelivered(complained)}. From 0.1 % on it is many, from 0.3 % on too many.`,
        className: alarm,
      })}
    </dl>`,
  );
}

function Figure({
  name,
  value,
  under,
  tip,
  className = "",
  children,
}: {
  readonly name: string;
  readonly value: Children;
  readonly under: string;
  readonly tip?: string;
  readonly className?: string;
  readonly children?: Children;
}): VNode {
  return html`<div class=${`mail-figure ${className}`} data-tip=${tip}>
    <dt>${name}</dt>
    <dd class="mail-figure-value">${value}</dd>
    <dd class="mail-figure-under">${children}${under}</dd>
  </div>`;
}

/** A bar between two ends: the number of people who opened is only known to lie between them. */
export function Span({
  from,
  to,
}: {
  readonly from: number | null;
  readonly to: number | null;
}): VNode {
  const ends = { "--from": `${(from ?? 0) * 100}%`, "--to": `${Math.min(1, to ?? 0) * 100}%` };
  return html`<span class="span-bar" style=${ends} aria-hidden="true"></span>`;
}
