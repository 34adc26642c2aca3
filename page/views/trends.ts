import { h } from "preact";
import { usePageTitle } from "../frame/title.ts";
import { Card, Nothing } from "../parts/card.ts";
import type { VNode } from "../parts/html.ts";

export default function Trends(): VNode {
  usePageTitle("Trends");
  return h(Card, { title: "Trends" }, h(Nothing, { title: "Nothing here." }));
}
