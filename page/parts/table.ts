import { h } from "preact";
import { html, type Children, type VNode } from "./html.ts";
import { Icon } from "./icon.ts";

export interface Column<Row> {
  readonly id: string;
  readonly name: Children;
  /** Numbers are aligned to the right, in figures of one width. */
  readonly isNumber?: boolean;
  readonly cell: (row: Row) => Children;
  /** The value to sort by; a column without it does not sort. */
  readonly by?: (row: Row) => number | string | null;
  readonly className?: string;
}

export interface Sort {
  readonly column: string;
  readonly direction: "asc" | "desc";
}

interface Props<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly sort?: Sort | undefined;
  readonly onSort?: (sort: Sort) => void;
  readonly rowProps?: (row: Row) => Readonly<Record<string, unknown>>;
  readonly foot?: Children;
  readonly className?: string;
}

/**
 * A table whose columns sort; the first column names the row and stays visible while the others
 * scroll.
 */
export function Table<Row>(props: Props<Row>): VNode {
  const { label, columns, rows, keyOf, sort, onSort, rowProps, foot, className = "" } = props;
  const sorted = sort === undefined ? rows : sortedRows(rows, columns, sort);
  return html`<div
    class=${`table-wrap ${className}`}
    tabindex="0"
    role="region"
    aria-label=${label}
  >
    <table>
      <thead>
        <tr>
          ${columns.map((column) => {
            const isSorted = sort?.column === column.id;
            const direction = isSorted
              ? sort.direction === "asc"
                ? "ascending"
                : "descending"
              : undefined;
            return html`<th
              key=${column.id}
              scope="col"
              class=${classes(column)}
              aria-sort=${direction}
            >
              ${
                column.by === undefined || onSort === undefined
                  ? column.name
                  : html`<button
                      type="button"
                      class="sort"
                      onClick=${() => onSort(nextSort(column, sort))}
                    >
                      ${column.name}${isSorted && h(Icon, { name: sort.direction === "asc" ? "up" : "down", size: 14 })}
                    </button>`
              }
            </th>`;
          })}
        </tr>
      </thead>
      <tbody>
        ${sorted.map(
          (row) =>
            html`<tr key=${keyOf(row)} ...${rowProps?.(row) ?? {}}>
              ${columns.map((column, index) =>
                index === 0
                  ? html`<th key=${column.id} scope="row" class=${classes(column)}>
                      ${column.cell(row)}
                    </th>`
                  : html`<td
                      key=${column.id}
                      class=${classes(column)}
                      data-name=${typeof column.name === "string" ? column.name : undefined}
                    >
                      ${column.cell(row)}
                    </td>`,
              )}
            </tr>`,
        )}
      </tbody>
      ${
        foot !== undefined &&
        html`<tfoot>
          ${foot}
        </tfoot>`
      }
    </table>
  </div>`;
}

function classes({
  isNumber,
  className = "",
}: Pick<Column<never>, "isNumber" | "className">): string {
  return `${isNumber === true ? "number " : ""}${className}`;
}

function nextSort<Row>({ id, isNumber }: Column<Row>, sort: Sort | undefined): Sort {
  const first = isNumber === true ? "desc" : "asc";
  if (sort?.column !== id) return { column: id, direction: first };
  return { column: id, direction: sort.direction === "asc" ? "desc" : "asc" };
}

/** Rows without a value come last in either direction. */
export function sortedRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { column, direction }: Sort,
): readonly Row[] {
  const by = columns.find(({ id }) => id === column)?.by;
  if (by === undefined) return rows;
  const sign = direction === "asc" ? 1 : -1;
  return rows.toSorted((one, other) => {
    const [a, b] = [by(one), by(other)];
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return a === b ? 0 : (a < b ? -1 : 1) * sign;
  });
}

/** Reads `name.asc`, the address's form of a sort. */
export function readSort(text: string | undefined, otherwise: Sort): Sort {
  const at = text?.lastIndexOf(".") ?? -1;
  if (text === undefined || at < 1) return otherwise;
  const direction = text.slice(at + 1);
  if (direction !== "asc" && direction !== "desc") return otherwise;
  return { column: text.slice(0, at), direction };
}

export function writeSort({ column, direction }: Sort): string {
  return `${column}.${direction}`;
}
