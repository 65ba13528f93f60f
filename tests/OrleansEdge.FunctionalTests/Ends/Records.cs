using System.Text.Json;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Ends;

/// <summary>Session list and access log agree with what passed, to the byte.</summary>
public abstract class Records(Way way)
{
    [Fact]
    public async Task SessionList_ShowsTheSessionWhileItIsOpen()
    {
        await using var session = await Session.OpenAsync(
            way, handshake: handshake => handshake.With("Sec-WebSocket-Protocol", "chat, superchat"), fields: "Sec-WebSocket-Protocol: superchat\r\n");
        await session.PassUpAsync([.. WsFrame.Text("one", WsFrame.ClientKey), .. WsFrame.Build(WsFrame.PingOpcode, "p"u8, WsFrame.ClientKey)]);
        await session.PassUpAsync(
            [.. WsFrame.Build(WsFrame.TextOpcode, "tw"u8, WsFrame.ClientKey, fin: false), .. WsFrame.Build(WsFrame.Continuation, "o"u8, WsFrame.ClientKey)]);
        await session.PassDownAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(70_000)));
        var listed = await ListedAsync(session, bytesDown: 70_010);
        Assert.Equal(session.Domain, listed.GetProperty("domain").GetString());
        Assert.Equal(AdminClient.Tenant, listed.GetProperty("tenant").GetString());
        Assert.Equal(way == Way.Http2 ? "h2" : "http/1.1", listed.GetProperty("protocol").GetString());
        Assert.Equal("superchat", listed.GetProperty("subprotocol").GetString());
        Assert.Equal($"127.0.0.1:{session.Listener.Port}", listed.GetProperty("origin").GetString());
        Assert.StartsWith("127.0.0.1:", listed.GetProperty("client").GetString(), StringComparison.Ordinal);
        Assert.Equal(9 + 7 + 8 + 7, listed.GetProperty("bytesUp").GetInt64());
        Assert.Equal(2, listed.GetProperty("messagesUp").GetInt64());
        Assert.Equal(1, listed.GetProperty("messagesDown").GetInt64());
        Assert.EndsWith("Z", listed.GetProperty("startedAt").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("Z", listed.GetProperty("lastActivityAt").GetString(), StringComparison.Ordinal);
        Assert.InRange(DateTimeOffset.UtcNow - listed.GetProperty("startedAt").GetDateTimeOffset(), TimeSpan.FromSeconds(-1), TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task AccessLog_HasOneLineAtOpenAndOneAtClose()
    {
        await using var session = await Session.OpenAsync(way, handshake: handshake => handshake with { Target = "/room/7?token=secret" });
        await session.GreetAsync();
        var listed = (await session.Edge.OnlySessionAsync(session.Domain));
        var open = await session.Edge.WaitForLogAsync("`open`", line => line.Text("domain") == session.Domain && !EdgeProcess.IsClose(line));
        await session.PassUpAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        await session.PassDownAsync(WsFrame.Close(1000));
        await session.Client.ExpectEofAsync();
        var close = await session.ExpectEndAsync("client", "client_close", 1000, 1000);
        foreach (var line in (LogLine[])[open, close])
        {
            Assert.Equal(listed.GetProperty("id").GetString(), line.Text("id"));
            Assert.Equal(AdminClient.Tenant, line.Text("tenant"));
            Assert.Equal("/room/7", line.Text("path"));
            Assert.Equal(listed.GetProperty("client").GetString(), line.Text("client"));
            Assert.Equal(listed.GetProperty("origin").GetString(), line.Text("origin"));
            Assert.EndsWith("Z", line.Text("time"), StringComparison.Ordinal);
            Assert.DoesNotContain("secret", line.ToString(), StringComparison.Ordinal);
        }

        Assert.Equal("open", open.Event);
        Assert.Equal("close", close.Event);
        Assert.InRange(close.Number("durationMilliseconds"), 1, 60_000);
        Assert.Equal("19 13 1 1", EndsTable.Counts(close));
    }

    [Fact]
    public async Task ThousandsOfFramesOfManySizes_AreCountedToTheByte()
    {
        await using var session = await Session.OpenAsync(way);
        var random = new Random(7);
        long up = 0;
        long down = 0;
        var messages = 0;
        for (var round = 0; round < 20; round++)
        {
            var sizes = Enumerable.Range(0, 50).Select(_ => random.Next(0, random.Next(2) == 0 ? 200 : 3000)).ToList();
            byte[] upwards = [.. sizes.SelectMany(size => WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(size), WsFrame.ClientKey))];
            byte[] downwards = [.. sizes.SelectMany(size => WsFrame.Build(WsFrame.TextOpcode, WsFrame.Pattern(size)))];
            await Task.WhenAll(session.PassUpAsync(upwards), session.PassDownAsync(downwards));
            up += upwards.Length;
            down += downwards.Length;
            messages += sizes.Count;
        }

        await session.PassUpAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        await session.PassDownAsync(WsFrame.Close(1000));
        await session.Client.ExpectEofAsync();
        var line = await session.ExpectEndAsync("client", "client_close", 1000, 1000);
        Assert.Equal($"{up + 8} {down + 4} {messages} {messages}", EndsTable.Counts(line));
    }

    /// <summary>The count of what went down is taken when the kernel has it, which may be a moment after the client read it.</summary>
    private static async Task<JsonElement> ListedAsync(Session session, long bytesDown)
    {
        var deadline = new Deadline(TimeSpan.FromSeconds(5));
        while (true)
        {
            var listed = (await session.Edge.OnlySessionAsync(session.Domain));
            if (listed.GetProperty("bytesDown").GetInt64() == bytesDown)
            {
                return listed;
            }

            Assert.True(deadline.Left > TimeSpan.Zero, $"bytesDown is not {bytesDown}: {listed}");
        }
    }
}

public sealed class RecordsOverHttp1() : Records(Way.Http1);

public sealed class RecordsOverTls() : Records(Way.Tls);

public sealed class RecordsOverHttp2() : Records(Way.Http2);
