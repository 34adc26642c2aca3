import type { ComponentType } from "preact";
import { still } from "../parts/still.ts";
import type { ViewName } from "../pure/address.ts";
import type { View } from "./views.ts";

const loaded = new Map<ViewName, ComponentType>();

/** The component of a view whose files are here: it is drawn at once. */
export function loadedView(name: ViewName): ComponentType | undefined {
  return loaded.get(name);
}

/**
 * Loads a view's module and its style sheet.
 * @throws where the module is not there, as after a new version of the page
 */
export async function loadView({ name, load }: View): Promise<ComponentType> {
  const [module] = await Promise.all([load(), styled(name)]);
  // A view is not drawn again when the frame changes: it follows its signals by itself.
  const view = still(module.default);
  loaded.set(name, view);
  return view;
}

/**
 * Loads a view's own style sheet. A document contains that of its view; without it a view is plain
 * and works, so a failure here is ignored.
 */
function styled(name: ViewName): Promise<void> {
  const href = new URL(`../views/${name}.css`, import.meta.url).href;
  const links = [...document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')];
  if (links.some((link) => link.href === href)) return Promise.resolve();
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  return new Promise((resolve) => {
    link.onload = link.onerror = () => resolve();
    document.head.append(link);
  });
}
