import { useEffect, useRef, useState } from "preact/hooks";
import { isPassing } from "../pure/passing.ts";
import { Problem, readStream, type Frame } from "./client.ts";
import { gaveUp, lost, reconnected, refused } from "./use-answer.ts";

export interface Streaming {
  readonly isOpen: boolean;
  readonly problem: Problem | undefined;
}

/** A quiet stream has a heartbeat every 15 s: one that is silent for longer is dead. */
const silentMs = 40_000;

/**
 * Keeps a stream while the page is visible: it is closed with the tab, opened again at its last
 * place (`Last-Event-ID`), and after a failure reopened after 1, 2, 4 to 30 s, or later where the
 * service says so.
 * @param path `undefined`: no stream
 */
export function useStream(path: string | undefined, onFrame: (frame: Frame) => void): Streaming {
  const [state, setState] = useState<Streaming>({ isOpen: false, problem: undefined });
  const latest = useRef(onFrame);
  latest.current = onFrame;

  useEffect(() => {
    if (path === undefined) return;
    let controller: AbortController | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let lastId: string | undefined;
    let attempts = 0;
    let wasLost = false;
    let missed = false;
    let refusal: Problem | undefined;

    async function hold(): Promise<void> {
      const mine = new AbortController();
      controller = mine;
      missed = false;
      let failure: Problem | undefined;
      try {
        await readStream(
          path!,
          mine.signal,
          lastId,
          {
            opened: () => {
              attempts = 0;
              setState({ isOpen: true, problem: undefined });
              if (!wasLost) return;
              wasLost = false;
              // A stream without places begins anew and cannot say what was missed.
              if (lastId === undefined) reconnected("Connected again.");
              else setTimeout(() => reconnected(missed ? passed : whole), 500);
            },
            frame: (frame) => {
              if (frame.event === "missed" && frame.data.includes('"window"')) missed = true;
              latest.current(frame);
            },
            placed: (id) => (lastId = id),
          },
          silentMs,
        );
      } catch (error) {
        if (mine.signal.aborted) return;
        if (!(error instanceof Problem)) throw error;
        setState({ isOpen: false, problem: error });
        // A missing scope does not appear by asking again.
        if (!isPassing(error.status)) return;
        failure = error;
      }
      if (mine.signal.aborted) return;
      setState((before) => ({ ...before, isOpen: false }));
      const waitMs = Math.max(
        Math.min(30_000, 1_000 * 2 ** attempts++),
        failure?.retryAfterMs ?? 0,
      );
      wasLost = true;
      if (failure === undefined || isLoss(failure)) lost(waitMs);
      else refused((refusal = failure), waitMs);
      timer = setTimeout(() => void hold(), waitMs);
    }

    function seen(): void {
      clearTimeout(timer);
      if (document.visibilityState === "hidden") {
        controller?.abort();
        controller = undefined;
        setState({ isOpen: false, problem: undefined });
      } else if (controller === undefined) {
        attempts = 0;
        void hold();
      }
    }

    seen();
    document.addEventListener("visibilitychange", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      clearTimeout(timer);
      controller?.abort();
      gaveUp(refusal);
    };
  }, [path]);
  return state;
}

/** Whether the service was not reached: its own refusals say something of now. */
function isLoss({ status }: Problem): boolean {
  return [0, 502, 504].includes(status);
}

const whole = "Connected again, nothing missed.";
const passed = "Connected again. Some events passed by; the counts have them.";
