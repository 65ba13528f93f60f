// Clients of the library "graphql-ws", each under an id.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { emit, listen } from "./lines.mjs";

const clients = new Map();

listen({
  connect({ id, url }) {
    clients.set(id, createClient({
      url,
      webSocketImpl: WebSocket,
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: (error) => emit("error", { id, message: String(error.reason ?? error.message) }),
      on: {
        connected: (socket) => emit("open", { id, protocol: socket.protocol }),
        closed: ({ code, reason }) => emit("close", { id, code, reason: String(reason) }),
      },
    }));
  },
  // Queries, mutations and subscriptions are one thing to the library: results, then the end.
  run({ id, query, variables }) {
    clients.get(id).subscribe({ query, variables }, {
      next: (result) => emit("result", { id, ...result }),
      error: (error) => emit("error", { id, message: JSON.stringify(error) }),
      complete: () => emit("complete", { id }),
    });
  },
  close: ({ id }) => clients.get(id).dispose(),
});
emit("started");
