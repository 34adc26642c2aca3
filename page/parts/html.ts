import { h, type ComponentChildren, type JSX } from "preact";
import htm from "htm";

/** The result of components. */
export type VNode = JSX.Element;
/** The content of components. */
export type Children = ComponentChildren;

/**
 * Makes an element anew each time: htm would keep those without values and give them again, and an
 * element holds all that was drawn around it when it was first given.
 */
function element(this: [staticness: number], ...parts: Parameters<typeof h>): VNode {
  this[0] = 3;
  return h(...parts);
}

/**
 * Markup as tagged templates. Templates are not type-checked: use `h(Component, props)` where props
 * matter. A text is always inserted as text, never as markup.
 */
export const html = htm.bind(element) as (
  texts: TemplateStringsArray,
  ...values: unknown[]
) => VNode;
