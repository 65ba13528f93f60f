using OrleansEdge.Load;

// Holds many WebSockets on one side of the edge. Commands and events are those of the other peers: a line of JSON each.
switch (args)
{
    case ["origin"]:
        await EchoOrigin.RunAsync();
        return 0;
    case ["clients"]:
        await IdleClients.RunAsync();
        return 0;
    default:
        await Console.Error.WriteLineAsync("usage: OrleansEdge.Load origin|clients");
        return 2;
}
