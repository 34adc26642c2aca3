import { h } from "preact";
import { usePageTitle } from "../frame/title.ts";
import { Card, Nothing } from "../parts/card.ts";
import type { VNode } from "../parts/html.ts";

export default function Mail(): VNode {
  usePageTitle("Mail");
  return h(Card, { title: "Mail" }, h(Nothing, { title: "Nothing here." }));
}
