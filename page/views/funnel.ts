import { h } from "preact";
import { usePageTitle } from "../frame/title.ts";
import { Card, Nothing } from "../parts/card.ts";
import type { VNode } from "../parts/html.ts";

export default function Funnel(): VNode {
  usePageTitle("Funnel");
  return h(Card, { title: "Funnel" }, h(Nothing, { title: "Nothing here." }));
}
