import { h, render } from "preact";
import { Frame } from "./frame/frame.ts";
import { startKeys } from "./frame/keys.ts";
import { startRouter } from "./frame/router.ts";

startRouter();
startKeys();
render(h(Frame, {}), document.getElementById("page")!);
