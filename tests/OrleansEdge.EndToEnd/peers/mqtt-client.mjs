// MQTT clients over WebSocket, each under an id.
import mqtt from "mqtt";
import WebSocket from "ws";
import { emit, listen } from "./lines.mjs";

const clients = new Map();

listen({
  connect({ id, url }) {
    let socket;
    const createWebsocket = (address, protocols) => (socket = new WebSocket(address, protocols));
    const client = mqtt.connect(url, { reconnectPeriod: 0, protocolVersion: 5, clientId: `client-${id}`, createWebsocket });
    clients.set(id, client);
    client.on("connect", () => emit("open", { id, protocol: socket.protocol }));
    client.on("message", (topic, payload, packet) => emit("message", { id, topic, qos: packet.qos, binary: payload.toString("base64") }));
    client.on("close", () => emit("close", { id }));
    client.on("error", (error) => emit("error", { id, message: error.message }));
  },
  async subscribe({ id, topic, qos }) {
    const [granted] = await clients.get(id).subscribeAsync(topic, { qos });
    emit("subscribed", { id, topic: granted.topic, qos: granted.qos });
  },
  async publish({ id, topic, qos, binary }) {
    // Resolves on the broker's acknowledgement.
    await clients.get(id).publishAsync(topic, Buffer.from(binary, "base64"), { qos });
    emit("published", { id, topic });
  },
  close: ({ id }) => clients.get(id).endAsync(),
});
emit("started");
