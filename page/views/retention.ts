import { h } from "preact";
import { usePageTitle } from "../frame/title.ts";
import { Card, Nothing } from "../parts/card.ts";
import type { VNode } from "../parts/html.ts";

export default function Retention(): VNode {
  usePageTitle("Retention");
  return h(Card, { title: "Retention" }, h(Nothing, { title: "Nothing here." }));
}
