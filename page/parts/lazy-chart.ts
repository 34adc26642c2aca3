import { h, type FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ChartProps } from "./chart.ts";
import { html, type VNode } from "./html.ts";

/** Loaded once, after the first paint: the drawing library is as large as the rest of a view. */
let loaded: FunctionComponent<ChartProps> | undefined;

/** `Chart`, whose place has its size from the start. */
export function Chart(props: ChartProps): VNode {
  const [component, setComponent] = useState(() => loaded);
  useEffect(() => {
    if (component !== undefined) return;
    void import("./chart.ts").then((module) => {
      loaded = module.Chart;
      setComponent(() => module.Chart);
    });
  }, []);
  if (component !== undefined) return h(component, props);
  return html`<div class="chart" style=${{ height: `${props.height}px` }}></div>`;
}
