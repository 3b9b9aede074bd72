import assert from "node:assert/strict";
import { test } from "node:test";
import { handlerAt, journal, overview, summary, type Entry, type Service } from "../src/handlers";

const at = (row: number) => ({ filename: "/shop/orders.py", location: { row, column: 11 } });
const charge: Entry = { what: "step", name: "charge", ...at(20) };
const entries: Entry[] = [
  { what: "operation", name: "get", ...at(11) },
  { what: "call", name: "orders.pay", inside: [charge], ...at(12) },
  { what: "operation", name: "set", ...at(13) },
];
const place = { name: "place", kind: "object", journal: entries, effects: [{}], ...at(10) };
const cancel = { name: "cancel", kind: "object", journal: [], effects: [], ...at(30) };
const services: Service[] = [{ name: "orders", kind: "object", handlers: [place, cancel], ...at(3) }];

test("what is journaled is counted through the calls", () => {
  assert.equal(summary(place), "2 operations, 1 step, 1 effect outside a step");
  assert.equal(summary(cancel), "");
});

test("the overview has a heading for each service", () => {
  assert.deepEqual(
    overview(services).map((row) => [row.label, row.place?.location.row]),
    [
      ["orders (object)", undefined],
      ["place", 10],
      ["cancel", 30],
    ],
  );
});

test("a journal is indented where a called function journals", () => {
  assert.deepEqual(
    journal(place).map((row) => row.label),
    ["get", "orders.pay", "\u2003charge", "set"],
  );
});

test("a handler is known by the line of its name", () => {
  assert.equal(handlerAt(services, "/shop/orders.py", 10), place);
  assert.equal(handlerAt(services, "/shop/orders.py", 11), undefined);
  assert.equal(handlerAt(services, "/shop/other.py", 10), undefined);
});
