import { useEffect, useState } from "preact/hooks";

const most = 4;
let running = 0;
const waiting: (() => void)[] = [];

/** Starts at once or when its turn comes; the answer frees the place. */
function takeTurn(start: () => void): () => void {
  let hasPlace = false;
  const enter = () => {
    hasPlace = true;
    running++;
    start();
  };
  if (running < most) enter();
  else waiting.push(enter);
  return () => {
    if (!hasPlace) {
      waiting.splice(waiting.indexOf(enter), 1);
      return;
    }
    running--;
    waiting.shift()?.();
  };
}

/** Whether a tile may send its call: the visible ones send four at a time. */
export function useTurn(wants: boolean, isDone: boolean): boolean {
  const [mayAsk, setMayAsk] = useState(false);
  useEffect(() => {
    if (!wants || isDone) return;
    return takeTurn(() => setMayAsk(true));
  }, [wants, isDone]);
  return mayAsk;
}
