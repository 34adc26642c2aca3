import { h, render } from "preact";
import { Frame } from "./frame/frame.ts";
import { Guard } from "./frame/guard.ts";
import { startKeys } from "./frame/keys.ts";
import { loadView } from "./frame/loaded-views.ts";
import { address, startRouter } from "./frame/router.ts";
import { viewOf } from "./frame/views.ts";

startRouter();
startKeys();
const draw = (): void => render(h(Guard, {}, h(Frame, {})), document.getElementById("page")!);
// The document has asked for the view's files beside this one: the frame and the view are laid out
// once, together. A failure is told by the frame, which loads the view again.
loadView(viewOf(address.value.view)).then(draw, draw);
