/**
 * Why the broker behind RABBITMQ_URL cannot be used. The message names the variable and what to
 * change; it never holds the password.
 */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
  /** True where a retry cannot help until somebody changes something. */
  readonly lasting: boolean;

  constructor(message: string, lasting: boolean, cause?: unknown) {
    super(message, { cause });
    this.lasting = lasting;
  }
}

/** Explains, for the operator, why a connection or a declaration failed. */
export function brokerError(url: string, cause: unknown): BrokerError {
  if (cause instanceof BrokerError) return cause;
  const { message, code } = reasonOf(cause);
  const [reason, lasting] = explain(message, code);
  return new BrokerError(`RABBITMQ_URL (${redacted(url)}): ${reason}`, lasting, cause);
}

/** The URL, of one host or several, without password and parameters. */
export function redacted(url: string): string {
  const parts = /^(?<scheme>[a-z][a-z0-9+.-]*:\/\/)(?<authority>[^/?#\s]+)(?<path>[^?#]*)/i.exec(
    url,
  );
  if (parts === null) return "not a URL";
  const { scheme, authority = "", path } = parts.groups ?? {};
  const at = authority.lastIndexOf("@");
  const [user] = authority.slice(0, Math.max(0, at)).split(":");
  return `${scheme}${user === "" ? "" : `${user}@`}${authority.slice(at + 1)}${path}`;
}

function explain(message: string, code: string): readonly [reason: string, lasting: boolean] {
  const differing = inequivalent.exec(message)?.groups;
  if (differing) return [describeDifference(differing), true];
  if (/\b403\b|ACCESS.REFUSED/.test(message)) {
    return message.includes("Login was refused")
      ? ["the broker refuses this user name and password", true]
      : [`the broker denies the user a right it needs: ${quoted(message)}`, true];
  }
  // The client reports a refused virtual host as an unexpected frame, without the broker's words.
  if (/NOT.ALLOWED|Expected ConnectionOpenOk/.test(message)) {
    return [
      "the broker refuses the virtual host (the path of the URL): it does not exist, or this user may not enter it",
      true,
    ];
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return ["the host name is not known", false];
  if (/ETIMEDOUT/.test(message) || code === "ETIMEDOUT") {
    return ["the host does not answer in time", false];
  }
  if (/^E[A-Z]+$/.test(code)) return [`the host cannot be reached (${code})`, false];
  if (/closed abruptly|ERR_SSL|wrong version number/.test(`${code} ${message}`)) {
    return ["something else than a RabbitMQ broker answers there, or it is starting", false];
  }
  return [message === "" ? "it failed without a reason" : quoted(message), false];
}

const inequivalent =
  /inequivalent arg '(?<what>[^']+)' for queue '(?<queue>[^']+)'.*received (?<wanted>.+) but current is (?<there>[^"]+)/;

function describeDifference(groups: Readonly<Record<string, string>>): string {
  const { what, queue, wanted, there } = groups;
  const way =
    what === "x-max-length-bytes"
      ? "Set QUEUE_MAX_BYTES to the queue's value, or let the queue run empty and delete it"
      : "Let the queue run empty and delete it, or set another CLUSTER_NAME";
  return `the queue ${queue} exists with another ${what}: it has ${there}, this service needs ${wanted}. ${way}`;
}

/** The broker's own words, where the message quotes them. */
function quoted(message: string): string {
  return /with message "(.+)"$/.exec(message)?.[1] ?? message;
}

/** Where all addresses of a host fail, the client raises one error without a message of its own. */
function reasonOf(cause: unknown): { readonly message: string; readonly code: string } {
  const { message, code, errors } = (cause ?? {}) as {
    message?: unknown;
    code?: unknown;
    errors?: readonly unknown[];
  };
  if (message === "" && errors?.[0] !== undefined) return reasonOf(errors[0]);
  return {
    message: typeof message === "string" ? message : "",
    code: typeof code === "string" ? code : "",
  };
}
