import { h } from "preact";
import { usePageTitle } from "../frame/title.ts";
import { Card, Nothing } from "../parts/card.ts";
import type { VNode } from "../parts/html.ts";

export default function Saved(): VNode {
  usePageTitle("Saved");
  return h(Card, { title: "Saved" }, h(Nothing, { title: "Nothing here." }));
}
