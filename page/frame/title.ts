import { useEffect } from "preact/hooks";

/** Sets the document's title while a view is shown: its content, in words. */
export function usePageTitle(words: string): void {
  useEffect(() => {
    document.title = `${words} · Maily analytics`;
  }, [words]);
}
