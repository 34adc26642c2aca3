import type { ServerResponse } from "node:http";
import { defaultProject } from "../../lib/event/event.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { readDeadLettersQuestion } from "../../lib/questions/lists/dead-letters.ts";
import type { Edge, Routed } from "./edge.ts";
import { refuseBody, sendJson, refuseParameters } from "./handlers.ts";

export interface DeadLettersEdge {
  listDead(request: Routed, response: ServerResponse): Promise<void>;
  showDead(request: Routed, response: ServerResponse): Promise<void>;
  replayDead(request: Routed, response: ServerResponse): Promise<void>;
  removeDead(request: Routed, response: ServerResponse): Promise<void>;
}

/** Gives the gateway the routes about dead letters: those of the caller's project alone. */
export function DeadLettersEdgeMixin() {
  return defineMixin<{ needs: Pick<Edge, "answerProblem"> }>()({
    methods: {
      async listDead(request: Routed, response: ServerResponse): Promise<void> {
        const { limit } = readDeadLettersQuestion(request.$params);
        const params = { limit, project: projectOf(request) };
        const data = await request.$ctx.call("processor.dead.list", params);
        sendJson(response, { data });
      },

      async showDead(request: Routed, response: ServerResponse): Promise<void> {
        sendJson(response, await request.$ctx.call("processor.dead.show", letterOf(request)));
      },

      async replayDead(request: Routed, response: ServerResponse): Promise<void> {
        refuseBody(request);
        sendJson(response, await request.$ctx.call("processor.dead.replay", letterOf(request)));
      },

      async removeDead(request: Routed, response: ServerResponse): Promise<void> {
        await request.$ctx.call("processor.dead.remove", letterOf(request));
        response.writeHead(204).end();
      },
    },
  });
}

function letterOf(request: Routed): { readonly id: string; readonly project: string } {
  refuseParameters(request);
  return { id: String(request.$params["id"]), project: projectOf(request) };
}

function projectOf({ project }: Routed): string {
  return project ?? defaultProject;
}
