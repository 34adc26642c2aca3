const actions: ReadonlySet<string> = new Set(["open", "opened", "click", "clicked"]);
const mails: ReadonlySet<string> = new Set([
  "email",
  "emails",
  "mail",
  "mails",
  "mailing",
  "newsletter",
]);

/**
 * Whether an event is about a mail being opened or clicked. Its type ends in the action (`opened`,
 * `clicked`, `open`, `click`), and either a word before names a mail (`email.opened`,
 * `newsletter_link_clicked`, `emailOpened`, `Email Link Clicked`) or the event has a recipient
 * (`welcome.opened`). So `menu.opened` is none.
 */
export function isMailAction(type: string, hasRecipient: boolean): boolean {
  if (!/(?:open|click)(?:ed)?$/i.test(type)) return false;
  const words = type
    .replace(/([a-z])([A-Z])/g, "$1.$2")
    .toLowerCase()
    .split(/[\s._:@/+-]+/);
  const action = words.pop();
  if (action === undefined || !actions.has(action)) return false;
  return hasRecipient || words.some((word) => mails.has(word));
}
