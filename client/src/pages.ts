/** A list in pages: iterate it for its items, or its `pages()`. */
export interface Pages<Page, Item> extends AsyncIterable<Item> {
  /** The pages from the first one; each is fetched when the caller takes it. */
  pages(): AsyncIterable<Page>;
}

interface Paged<Item> {
  readonly data: readonly Item[];
  readonly page: { readonly nextCursor: string | null };
}

/** @param ask fetches the page at a cursor; the first one without */
export function pagesOf<Item, Page extends Paged<Item>>(
  ask: (cursor: string | undefined) => Promise<Page>,
): Pages<Page, Item> {
  async function* pages(): AsyncGenerator<Page, void> {
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page: Page = await ask(cursor);
      yield page;
      cursor = page.page.nextCursor;
    }
  }
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const page of pages()) yield* page.data;
    },
  };
}
