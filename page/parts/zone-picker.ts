import { h } from "preact";
import { useMemo } from "preact/hooks";
import { setZone, zone } from "../frame/router.ts";
import { ownZone } from "../pure/zone.ts";
import { offsetName, placeOf } from "../pure/zone.ts";
import { Choices, type Choice } from "./choices.ts";
import type { VNode } from "./html.ts";
import { Popover } from "./popover.ts";

/** One zone for all that is shown, always in sight: "Berlin UTC+1". */
export function ZonePicker(): VNode {
  const shown =
    zone.value === "UTC" ? "UTC" : `${placeOf(zone.value)} ${offsetName(Date.now(), zone.value)}`;
  return h(Popover, {
    text: shown,
    label: `${shown}, time zone ${zone.value}`,
    icon: "globe",
    arrow: true,
    title: "Time zone",
    opensBy: "z",
    panelClass: "list-panel",
    content: (close) => h(Zones, { close }),
  });
}

function Zones({ close }: { readonly close: () => void }): VNode {
  const choices = useMemo(zoneChoices, []);
  return h(Choices, {
    label: "Search zones",
    choices,
    picked: new Set([zone.value]),
    onPick: ({ id }) => {
      setZone(id);
      close();
    },
  });
}

/** The reader's own zone, UTC and the shown one come first. */
function zoneChoices(): readonly Choice[] {
  const now = Date.now();
  const near = [...new Set([ownZone(), "UTC", zone.value])];
  const rest = Intl.supportedValuesOf("timeZone").filter((name) => !near.includes(name));
  const choice = (name: string, group: string): Choice => ({
    id: name,
    name: name.replaceAll("_", " "),
    also: offsetName(now, name),
    note: offsetName(now, name),
    group,
  });
  return [
    ...near.map((name) => choice(name, "Near")),
    ...rest.map((name) => choice(name, "All zones")),
  ];
}
