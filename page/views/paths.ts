import { h } from "preact";
import { usePageTitle } from "../frame/title.ts";
import { Card, Nothing } from "../parts/card.ts";
import type { VNode } from "../parts/html.ts";

export default function Paths(): VNode {
  usePageTitle("Paths");
  return h(Card, { title: "Paths" }, h(Nothing, { title: "Nothing here." }));
}
