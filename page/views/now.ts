import { h } from "preact";
import { usePageTitle } from "../frame/title.ts";
import { Card, Nothing } from "../parts/card.ts";
import type { VNode } from "../parts/html.ts";

export default function Now(): VNode {
  usePageTitle("Now");
  return h(Card, { title: "Now" }, h(Nothing, { title: "Nothing here." }));
}
