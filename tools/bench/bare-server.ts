/**
 * The server that the service is compared with: the least that Node can do for the same requests.
 * It parses the JSON body and answers 202. With a file it first makes the body durable: one table,
 * one row for each body, one transaction (WAL, `synchronous=FULL`) for all that arrived in a turn
 * of the event loop.
 * It sends its port to its parent, and ends with it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";

type Keep = (body: Buffer, done: () => void) => void;

function inMemory(): Keep {
  return (_body, done) => done();
}

function groupCommit(file: string): Keep {
  const database = new DatabaseSync(file);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
  const insert = database.prepare("INSERT INTO bodies (body) VALUES (?)");
  let waiting: { readonly body: Buffer; readonly done: () => void }[] = [];

  function commit(): void {
    const group = waiting;
    waiting = [];
    database.exec("BEGIN");
    for (const { body } of group) insert.run(body);
    database.exec("COMMIT");
    for (const { done } of group) done();
  }
  return (body, done) => {
    if (waiting.push({ body, done }) === 1) setImmediate(commit);
  };
}

function answer(request: IncomingMessage, response: ServerResponse, keep: Keep): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    try {
      JSON.parse(body.toString());
    } catch {
      response.writeHead(400).end();
      return;
    }
    keep(body, () => {
      response.writeHead(202, { "Content-Type": "application/json" });
      response.end('{"status":"accepted"}');
    });
  });
}

const file = process.argv[2];
const keep = file === undefined ? inMemory() : groupCommit(file);
const server = createServer((request, response) => answer(request, response, keep));
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.once("disconnect", () => process.exit());
