/** The handlers of the project as a list to choose from: what `rea-lint handlers --output-format json` says. Knows nothing of VS Code. */

export interface Place {
  readonly filename: string;
  /** From 1; the column in code points. */
  readonly location: { readonly row: number; readonly column: number };
}

export interface Entry extends Place {
  readonly what: "operation" | "step" | "call";
  readonly name: string;
  /** What a called function journals. */
  readonly inside?: readonly Entry[];
}

export interface Handler extends Place {
  readonly name: string;
  readonly kind: string;
  readonly journal: readonly Entry[];
  readonly effects: readonly unknown[];
}

export interface Service extends Place {
  readonly name: string | null;
  readonly kind: string;
  readonly handlers: readonly Handler[];
}

/** One line of the list: a service as a heading if there is no place, else a handler or something that it journals. */
export interface Row {
  readonly label: string;
  readonly description: string;
  readonly place?: Place;
}

/** The services as headings, with their handlers. */
export function overview(services: readonly Service[]): Row[] {
  return services.flatMap((service) => [
    { label: `${service.name ?? "unknown service"} (${service.kind})`, description: "" },
    ...service.handlers.map((handler) => ({ label: handler.name, description: summary(handler), place: handler })),
  ]);
}

/** What one handler journals, in source order and through the functions it calls. */
export function journal(handler: Handler): Row[] {
  const rows = (entries: readonly Entry[], depth: number): Row[] =>
    entries.flatMap((entry) => [
      { label: `${"\u2003".repeat(depth)}${entry.name || "step"}`, description: entry.what, place: entry },
      ...rows(entry.inside ?? [], depth + 1),
    ]);
  return rows(handler.journal, 0);
}

/** The handler whose name stands in this line (from 1) of a file. */
export function handlerAt(services: readonly Service[], filename: string, row: number): Handler | undefined {
  return services.flatMap((service) => service.handlers).find((handler) => handler.filename === filename && handler.location.row === row);
}

/** For instance "2 operations, 1 step, 1 effect outside a step". */
export function summary(handler: Handler): string {
  const entries = flat(handler.journal);
  const count = (number: number, one: string, many = `${one}s`) => (number === 0 ? [] : [`${number} ${number === 1 ? one : many}`]);
  return [
    ...count(entries.filter((entry) => entry.what === "operation").length, "operation"),
    ...count(entries.filter((entry) => entry.what === "step").length, "step"),
    ...count(handler.effects.length, "effect outside a step", "effects outside steps"),
  ].join(", ");
}

function flat(entries: readonly Entry[]): Entry[] {
  return entries.flatMap((entry) => [entry, ...flat(entry.inside ?? [])]);
}
