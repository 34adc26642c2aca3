import type { ServiceProcess } from "../service-process.ts";

/** What a collecting request was answered. */
export interface Answer {
  readonly status: number;
  readonly body: {
    type?: string;
    errors?: { pointer: string; code: string }[];
    [key: string]: unknown;
  };
  readonly headers: Headers;
}

export async function sendTo(
  service: ServiceProcess,
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${service.url}/api/v1/events${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: body as string,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse(text) as Answer["body"],
  };
}
