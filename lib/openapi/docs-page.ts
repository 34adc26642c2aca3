import { hash } from "node:crypto";
import type { JsonSchema } from "../schema/rule.ts";

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
summary{cursor:pointer;padding:.4rem 0}summary code{font-weight:600}pre{background:#f4f6f8;padding:.75rem;overflow:auto;border-radius:.4rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #dde3ea}
@media(prefers-color-scheme:dark){body{color:#e3e8ee;background:#14181d}pre{background:#1f252c}td,th{border-color:#2c343d}a{color:#8ab8ff}}`;

/** The page's headers: it runs no script, and loads nothing. */
export const docsHeaders = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${hash("sha256", style, "base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "Referrer-Policy": "no-referrer",
} as const;

interface Part {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

interface Method {
  readonly summary: string;
  readonly description?: string;
  readonly "x-scope"?: string;
  readonly parameters: readonly Part[];
  readonly requestBody?: {
    readonly description: string;
    readonly content: Readonly<Record<string, Content>>;
  };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly headers?: Readonly<Record<string, unknown>>;
        readonly content?: Readonly<Record<string, Content>>;
      }
    >
  >;
}

interface Content {
  readonly schema: JsonSchema;
  readonly example?: unknown;
}

/** The description of the API as a page that people read, without a script. */
export function docsPage(document: JsonSchema): string {
  const { info, paths, components } = document as {
    readonly info: { readonly title: string; readonly description: string };
    readonly paths: Readonly<Record<string, Readonly<Record<string, Method>>>>;
    readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
  };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      methodOf(`${method.toUpperCase()} ${path}`, operation),
    ),
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<details id="${escaped(name)}"><summary><code>${escaped(name)}</code></summary>${json(schema)}</details>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(info.title)}</title><style>${style}</style></head><body><h1>${escaped(info.title)}</h1><p>${escaped(info.description)} For machines: <a href="/openapi.json">openapi.json</a>.</p><h2>Routes</h2>${routes.join("")}<h2>Schemas</h2>${schemas.join("")}</body></html>`;
}

function methodOf(route: string, operation: Method): string {
  const scope = operation["x-scope"];
  const parts = operation.parameters.map(
    ({ name, in: place, required, description = "", schema }) =>
      `<tr><td><code>${escaped(name)}</code></td><td>${place}${required === true ? ", required" : ""}</td><td>${escaped(description)} <code>${escaped(JSON.stringify(schema))}</code></td></tr>`,
  );
  const { requestBody } = operation;
  const about = [operation.description, requestBody?.description]
    .filter((one) => one !== undefined)
    .map((one) => `<p>${escaped(one)}.</p>`)
    .join("");
  const bodies = contents(requestBody?.content);
  const responses = Object.entries(operation.responses).map(
    ([status, { description, headers = {}, content }]) =>
      `<tr><td>${status}</td><td>${escaped(description)}</td><td>${escaped(Object.keys(headers).join(", "))}</td><td>${Object.entries(
        content ?? {},
      )
        .map(([type, { schema }]) => `${escaped(type)} ${linked(schema)}`)
        .join("<br>")}</td></tr>`,
  );
  return `<details><summary><code>${escaped(route)}</code> ${escaped(operation.summary)}</summary>${scope === undefined ? "" : `<p>Takes a key with the scope <code>${escaped(scope)}</code>.</p>`}${parts.length > 0 ? `<table>${parts.join("")}</table>` : ""}${about}${bodies}<table>${responses.join("")}</table></details>`;
}

function contents(content: Readonly<Record<string, Content>> = {}): string {
  return Object.entries(content)
    .map(([type, { schema, example }]) => `<h4>${escaped(type)}</h4>${json(example ?? schema)}`)
    .join("");
}

function linked(schema: JsonSchema): string {
  const reference = schema["$ref"];
  if (typeof reference !== "string") return "";
  const name = escaped(reference.slice(reference.lastIndexOf("/") + 1));
  return `<a href="#${name}">${name}</a>`;
}

function json(value: unknown): string {
  return `<pre>${escaped(JSON.stringify(value, null, 2))}</pre>`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
