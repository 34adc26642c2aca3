import { useEffect } from "preact/hooks";

/** The document's title while a view is shown: what it shows, in words. */
export function usePageTitle(words: string): void {
  useEffect(() => {
    document.title = `${words} · Maily analytics`;
  }, [words]);
}
