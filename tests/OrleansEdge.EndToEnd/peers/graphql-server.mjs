// GraphQL over WebSocket: a mutation publishes a comment, a subscription delivers it.
import { createServer } from "node:http";
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";
import { emit, listen } from "./lines.mjs";

const schema = buildSchema(`
  type Query { version: String! }
  type Mutation { say(text: String!): String! }
  type Subscription { comments: String!  countdown(from: Int!): Int! }
`);

const readers = new Set();

async function* comments() {
  const waiting = [];
  let wake = () => {};
  const reader = (text) => { waiting.push(text); wake(); };
  readers.add(reader);
  try {
    emit("subscribed");
    while (true) {
      while (waiting.length > 0) yield { comments: waiting.shift() };
      await new Promise((resolve) => { wake = resolve; });
    }
  } finally {
    readers.delete(reader);
  }
}

async function* countdown({ from }) {
  for (let value = from; value >= 0; value--) yield { countdown: value };
}

function say({ text }) {
  readers.forEach((reader) => reader(text));
  return text;
}

const server = createServer();
const sockets = new WebSocketServer({ server, path: "/graphql" });
useServer({ schema, roots: { query: { version: "1" }, mutation: { say }, subscription: { comments, countdown } } }, sockets);
sockets.on("connection", (socket) => {
  emit("connection", { protocol: socket.protocol });
  socket.on("close", (code, reason) => emit("close", { code, reason: reason.toString() }));
});

server.listen(0, "127.0.0.1", () => emit("listening", { port: server.address().port }));
listen({});
