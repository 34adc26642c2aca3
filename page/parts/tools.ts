import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { curlOf, type Call } from "../api/client.ts";
import { may } from "../api/key.ts";
import { address, hrefOf, range, zone, change } from "../frame/router.ts";
import { changed, type Address } from "../pure/address.ts";
import { fixedRange, isRelative, type Instants } from "../pure/range.ts";
import { csvText, type CsvTable } from "../pure/csv.ts";
import { announce } from "./announce.ts";
import { html, type VNode } from "./html.ts";
import { Icon, type IconName } from "./icon.ts";
import { Popover } from "./popover.ts";
import { SaveForm, type Savable } from "./save.ts";

export interface Shape {
  readonly id: string;
  readonly name: string;
  readonly icon: IconName;
}

export type { CsvTable };

export interface ToolsProps {
  readonly shapes?: readonly Shape[];
  readonly shape?: string;
  /** The calls of the shown numbers. */
  readonly calls?: readonly Call[];
  /** What the calls give, where that is not the same as is shown. */
  readonly curlNote?: string;
  /** Where the range is relative: the instants of the answer, for "with these dates". */
  readonly instants?: Instants | undefined;
  readonly csv?: (() => CsvTable) | undefined;
  /** The text of its button; absent: "CSV". */
  readonly csvText?: string | undefined;
  /** The file's name, without its ending. */
  readonly csvName?: string;
  readonly savable?: Savable | undefined;
}

/** The actions on an answer, everywhere in this order: shape, Copy link, curl, CSV, Save. */
export function Tools(props: ToolsProps): VNode {
  const { shapes, shape } = props;
  return html`<div class="tools">
    ${
      shapes !== undefined &&
      html`<div class="segments" role="group" aria-label="Shape">
        ${shapes.map(
          ({ id, name, icon }) =>
            html`<button
              key=${id}
              type="button"
              class="segment"
              aria-pressed=${id === shape ? "true" : "false"}
              title=${name}
              onClick=${() => change({ shape: id === shapes[0]!.id ? undefined : id }, { replace: true })}
            >
              ${h(Icon, { name: icon, size: 16 })}<span class="segment-name">${name}</span>
            </button>`,
        )}
      </div>`
    }
    <div class="tools-wide">${h(Actions, props)}</div>
    <div class="tools-narrow">
      ${h(Popover, {
        text: "Share",
        title: "Share",
        className: "button small",
        arrow: true,
        content: () => html`<div class="sheet-actions">${h(Actions, props)}</div>`,
      })}
    </div>
  </div>`;
}

function Actions(props: ToolsProps): VNode {
  const { calls, curlNote, instants, csv, csvText = "CSV", csvName, savable } = props;
  return html`${h(CopyLink, { instants })}
  ${
    calls !== undefined &&
    calls.length > 0 &&
    h(Popover, {
      text: "curl",
      icon: "terminal",
      title: "The same from a shell",
      className: "button small",
      panelClass: "wide",
      content: () => h(CurlPanel, { calls, note: curlNote }),
    })
  }
  ${
    csv !== undefined &&
    html`<button
      type="button"
      class="button small"
      onClick=${() => downloadCsv(csv(), csvName ?? "maily")}
    >
      ${h(Icon, { name: "download", size: 16 })}${csvText}
    </button>`
  }
  ${
    savable !== undefined &&
    h(Popover, {
      text: "Save",
      icon: "saved",
      title: "Save this question",
      className: "button small",
      content: (close) =>
        may("admin")
          ? h(SaveForm, { savable, close })
          : html`<p>
              Everybody of the project sees what is saved: that takes a key with the scope ${" "}
              <code>admin</code>.
            </p>`,
    })
  }`;
}

function CopyLink({ instants }: { readonly instants?: Instants | undefined }): VNode {
  if (instants === undefined || !isRelative(range.value)) {
    return h(CopyButton, {
      text: () => linkOf(address.value),
      name: "Copy link",
      className: "button small",
      icon: "link",
      opensBy: "c",
    });
  }
  const fixed = fixedRange(instants, zone.value);
  return h(Popover, {
    text: "Copy link",
    icon: "link",
    title: "Copy link",
    className: "button small",
    opensBy: "c",
    content: () =>
      html`<div class="stack">
        ${h(CopyButton, { text: () => linkOf(address.value), name: "That moves with the days", className: "button" })}
        ${h(CopyButton, {
          text: () => linkOf(changed(address.value, { range: fixed })),
          name: "With these dates",
          className: "button",
        })}
      </div>`,
  });
}

function linkOf(to: Address): string {
  return location.origin + hrefOf(to);
}

function CurlPanel({
  calls,
  note,
}: {
  readonly calls: readonly Call[];
  readonly note: string | undefined;
}): VNode {
  return html`<div class="stack">
    ${note !== undefined && html`<p>${note}</p>`}
    ${calls.map(
      (call) =>
        html`<div key=${call.path} class="code-block">
          <pre tabindex="0" aria-label="Command"><code>${curlOf(call)}</code></pre>
          ${h(CopyButton, { text: () => curlOf(call), name: "Copy", className: "button small" })}
        </div>`,
    )}
    <p class="hint">MAILY_KEY is your key, where the service asks for one.</p>
  </div>`;
}

interface CopyProps {
  readonly text: () => string;
  readonly name: string;
  readonly className: string;
  readonly icon?: IconName;
  readonly opensBy?: string;
}

/** Copies a text, and says so for two seconds. Without a clipboard it shows the text, selected. */
export function CopyButton({ text, name, className, icon = "copy", opensBy }: CopyProps): VNode {
  const [state, setState] = useState<"ready" | "copied" | "shown">("ready");
  useEffect(() => {
    if (state !== "copied") return;
    const timer = setTimeout(() => setState("ready"), 2_000);
    return () => clearTimeout(timer);
  }, [state]);
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text());
      setState("copied");
      announce("Copied");
    } catch {
      setState("shown");
    }
  }
  if (state === "shown") {
    return html`<input
      class="copy-text"
      readonly
      aria-label="Copy this text"
      value=${text()}
      ref=${(element: HTMLInputElement | null) => element?.select()}
      onBlur=${() => setState("ready")}
    />`;
  }
  return html`<button
    type="button"
    class=${className}
    data-key=${opensBy}
    onClick=${() => void copy()}
  >
    ${h(Icon, { name: state === "copied" ? "check" : icon, size: 16 })}${state === "copied" ? "Copied" : name}
  </button>`;
}

function downloadCsv(rows: CsvTable, name: string): void {
  const link = document.createElement("a");
  const url = URL.createObjectURL(new Blob([csvText(rows)], { type: "text/csv;charset=utf-8" }));
  link.href = url;
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
  announce(`${name}.csv was saved`);
}
