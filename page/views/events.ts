import { h } from "preact";
import { usePageTitle } from "../frame/title.ts";
import { Card, Nothing } from "../parts/card.ts";
import type { VNode } from "../parts/html.ts";

export default function Events(): VNode {
  usePageTitle("Events");
  return h(Card, { title: "Events" }, h(Nothing, { title: "Nothing here." }));
}
