import { h, type ComponentChildren, type JSX } from "preact";
import htm from "htm";

/** What components return. */
export type VNode = JSX.Element;
/** What they may have within. */
export type Children = ComponentChildren;

/**
 * Markup as tagged templates. It is not type-checked: `h(Component, props)` where props matter. Texts are
 * texts: there is no way from here to markup.
 */
export const html = htm.bind(h) as (texts: TemplateStringsArray, ...values: unknown[]) => VNode;
