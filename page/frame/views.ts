import type { ComponentType } from "preact";
import type { Scope } from "../api/key.ts";
import type { IconName } from "../parts/icon.ts";
import type { ViewName } from "../pure/address.ts";

export interface View {
  readonly name: ViewName;
  readonly title: string;
  readonly icon: IconName;
  /** The second key after `g`. */
  readonly key: string;
  /** The scope without which the view shows nothing. */
  readonly scope?: Scope;
  /** The pickers in the header. */
  readonly pickers: readonly ("range" | "zone" | "compare")[];
  readonly load: () => Promise<{ readonly default: ComponentType }>;
}

/** The views in the groups of the navigation. A view is a module of `views/` whose default export is its component. */
export const viewGroups: readonly (readonly View[])[] = [
  [
    {
      name: "now",
      title: "Now",
      icon: "now",
      key: "n",
      pickers: ["zone"],
      load: () => import("../views/now.ts"),
    },
    {
      name: "trends",
      title: "Trends",
      icon: "trends",
      key: "t",
      scope: "events:read",
      pickers: ["range", "zone", "compare"],
      load: () => import("../views/trends.ts"),
    },
  ],
  [
    {
      name: "funnel",
      title: "Funnel",
      icon: "funnel",
      key: "f",
      scope: "events:read",
      pickers: ["range", "zone"],
      load: () => import("../views/funnel.ts"),
    },
    {
      name: "retention",
      title: "Retention",
      icon: "retention",
      key: "r",
      scope: "events:read",
      pickers: ["range", "zone"],
      load: () => import("../views/retention.ts"),
    },
    {
      name: "paths",
      title: "Paths",
      icon: "paths",
      key: "p",
      scope: "events:read",
      pickers: ["range", "zone"],
      load: () => import("../views/paths.ts"),
    },
    {
      name: "mail",
      title: "Mail",
      icon: "mail",
      key: "m",
      scope: "events:read",
      pickers: ["range", "zone"],
      load: () => import("../views/mail.ts"),
    },
  ],
  [
    {
      name: "events",
      title: "Events",
      icon: "events",
      key: "e",
      scope: "events:read",
      pickers: ["range", "zone"],
      load: () => import("../views/events.ts"),
    },
    {
      name: "saved",
      title: "Saved",
      icon: "saved",
      key: "s",
      scope: "events:read",
      pickers: ["zone"],
      load: () => import("../views/saved.ts"),
    },
    {
      name: "health",
      title: "Health",
      icon: "health",
      key: "h",
      pickers: ["zone"],
      load: () => import("../views/health.ts"),
    },
    {
      name: "admin",
      title: "Admin",
      icon: "key",
      key: "a",
      scope: "admin",
      pickers: ["zone"],
      load: () => import("../views/admin.ts"),
    },
  ],
];

export const views: readonly View[] = viewGroups.flat();

export function viewOf(name: ViewName): View {
  return views.find((view) => view.name === name)!;
}

/** On a phone the bar has room for four and "More". */
export const barViews: readonly ViewName[] = ["now", "trends", "mail", "events"];
