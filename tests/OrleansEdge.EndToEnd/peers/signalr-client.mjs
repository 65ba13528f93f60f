// SignalR's JavaScript client.
import { HttpTransportType, HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { emit, listen } from "./lines.mjs";

const connections = new Map();

listen({
  async connect({ id, url, transport }) {
    const connection = new HubConnectionBuilder()
      .withUrl(url, { transport: HttpTransportType[transport] })
      .configureLogging({ log: (level, text) => level >= LogLevel.Information && process.stderr.write(`${text}\n`) })
      .build();
    connections.set(id, connection);
    connection.on("comment", (comment) => emit("comment", { id, comment }));
    connection.onclose((error) => emit("close", { id, message: error?.message ?? "" }));
    await connection.start();
    emit("open", { id });
  },
  async call({ id, name, args }) {
    emit("returned", { id, name, value: await connections.get(id).invoke(name, ...args) });
  },
  stream({ id, name, args }) {
    const items = [];
    connections.get(id).stream(name, ...args).subscribe({
      next: (item) => items.push(item),
      complete: () => emit("streamed", { id, items }),
      error: (error) => emit("error", { id, message: error.message }),
    });
  },
  close: ({ id }) => connections.get(id).stop(),
});
emit("started");
