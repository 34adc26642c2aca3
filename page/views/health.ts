import { h } from "preact";
import { usePageTitle } from "../frame/title.ts";
import { Card, Nothing } from "../parts/card.ts";
import type { VNode } from "../parts/html.ts";

export default function Health(): VNode {
  usePageTitle("Health");
  return h(Card, { title: "Health" }, h(Nothing, { title: "Nothing here." }));
}
