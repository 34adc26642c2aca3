import { h, type ComponentChildren, type JSX } from "preact";
import htm from "htm";

/** The result of components. */
export type VNode = JSX.Element;
/** The content of components. */
export type Children = ComponentChildren;

/**
 * Markup as tagged templates. Templates are not type-checked: use `h(Component, props)` where props
 * matter. A text is always inserted as text, never as markup.
 */
export const html = htm.bind(h) as (texts: TemplateStringsArray, ...values: unknown[]) => VNode;
