/** A kind of mail. */
export interface Template {
  readonly templateId: string;
  /** `utm_campaign` of its links. */
  readonly campaign: string;
  /** What its mails of one day, or of all time, are counted together by. */
  readonly campaignId: string;
  readonly kind: "marketing" | "transactional";
  readonly subject: string;
  /** Paths that its links lead to. */
  readonly links: readonly string[];
}

function template(
  kind: Template["kind"],
  campaign: string,
  templateId: string,
  subject: string,
  links: string,
): Template {
  return { kind, campaign, campaignId: campaign, templateId, subject, links: links.split(" ") };
}

/** Sent to many at once. */
export const marketing: readonly Template[] = [
  template(
    "marketing",
    "weekly-newsletter",
    "newsletter-v4",
    "What is new this week",
    "/blog/weekly /blog/deliverability /changelog",
  ),
  template(
    "marketing",
    "season-offer",
    "offer-v2",
    "Two months on us",
    "/pricing /pricing/yearly /offer/season",
  ),
  template(
    "marketing",
    "product-launch",
    "launch-v1",
    "Meet the new editor",
    "/features/editor /docs/editor /demo",
  ),
  template(
    "marketing",
    "webinar-invitation",
    "event-v3",
    "Join us on Thursday",
    "/webinars/inbox /webinars",
  ),
];

/** Sent to one, when something happened, with how often each is. */
export const transactional: readonly (readonly [Template, number])[] = [
  [template("transactional", "welcome", "welcome-v5", "Welcome", "/start /docs"), 20],
  [
    template(
      "transactional",
      "confirm-address",
      "confirm-v2",
      "Please confirm your address",
      "/confirm",
    ),
    20,
  ],
  [template("transactional", "password-reset", "reset-v2", "Reset your password", "/reset"), 15],
  [template("transactional", "receipt", "receipt-v7", "Your receipt", "/account/invoices"), 25],
  [template("transactional", "usage-digest", "digest-v1", "Your week in numbers", "/reports"), 20],
];
