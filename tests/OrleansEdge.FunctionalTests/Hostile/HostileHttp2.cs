using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Hostile;

/// <summary>HTTP/2 clients that do what they should not.</summary>
public sealed class HostileHttp2(HostileEdge edge) : IClassFixture<HostileEdge>
{
    [Fact]
    public async Task StreamsOpenedAndResetAtOnce_LeaveNothingBehind()
    {
        await using var session = await Session.OpenAsync(Way.Http2, edge.Process);
        for (var round = 0; round < 3; round++)
        {
            await using var connection = await Http2Client.ConnectAsync(edge.Process.EdgeTls, EdgeProcess.ServerName);
            try
            {
                for (var i = 0; i < 100; i++)
                {
                    var stream = await connection.OpenAsync(new Handshake(session.Domain).ToHttp2());
                    await stream.ResetAsync(code: 8);
                }
            }
            catch (WireCutException)
            {
                // The edge may call it abuse and close the connection.
            }
        }

        await session.GreetAsync();
        await edge.Process.Admin.WaitForSessionsAsync(session.Domain, 1);
        await edge.AssertRecoveredAsync();
    }

    [Fact]
    public async Task ConnectionIsCut_EverySessionOnItEnds()
    {
        await using var listener = ScriptedOrigin.Start();
        var domain = EdgeProcess.NewDomain();
        await edge.Process.Admin.PutDomainAsync(Session.Document(Way.Http2, domain, listener.Port));
        await using var connection = await Http2Client.ConnectAsync(edge.Process.EdgeTls, EdgeProcess.ServerName);
        var origins = new List<StreamWire>();
        for (var i = 0; i < 20; i++)
        {
            var accepting = listener.AcceptWebSocketAsync();
            var stream = await connection.OpenAsync(new Handshake(domain).ToHttp2());
            Assert.Equal(200, (await stream.ReadAnswerAsync(body: false)).Status);
            origins.Add((await accepting).Wire);
        }

        connection.CutConnection();
        foreach (var origin in origins)
        {
            await origin.ExpectCloseAsync(1001, "client lost");
            await origin.SendAsync(WsFrame.Close(1001));
            await origin.ExpectEofAsync();
        }

        Assert.All(edge.Process.CloseLines(domain), line => Assert.Equal("client_lost", line.Text("cause")));
        await edge.AssertRecoveredAsync();
    }

    [Fact]
    public async Task OneStreamDoesNotRead_TheOthersOfItsConnectionGoOn()
    {
        await using var listener = ScriptedOrigin.Start();
        var domain = EdgeProcess.NewDomain();
        await edge.Process.Admin.PutDomainAsync(Session.Document(Way.Http2, domain, listener.Port));
        await using var connection = await Http2Client.ConnectAsync(edge.Process.EdgeTls, EdgeProcess.ServerName);
        var (reading, readingOrigin) = await OpenAsync();
        var (ending, endingOrigin) = await OpenAsync();
        await ending.SendAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        await endingOrigin.ExpectAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        await endingOrigin.SendAsync(WsFrame.Close(1000));
        await ending.ExpectAsync(WsFrame.Close(1000));
        await ending.ExpectEofAsync();
        for (var i = 0; i < 20; i++)
        {
            await reading.SendAsync(WsFrame.Text("up", WsFrame.ClientKey));
            await readingOrigin.ExpectAsync(WsFrame.Text("up", WsFrame.ClientKey));
            await readingOrigin.SendAsync(WsFrame.Text("down"));
            await reading.ExpectAsync(WsFrame.Text("down"));
        }

        async Task<(Http2Stream Client, StreamWire Origin)> OpenAsync()
        {
            var accepting = listener.AcceptWebSocketAsync();
            var stream = await connection.OpenAsync(new Handshake(domain).ToHttp2());
            Assert.Equal(200, (await stream.ReadAnswerAsync(body: false)).Status);
            return (stream, (await accepting).Wire);
        }
    }

    [Theory]
    [InlineData(":path")]
    [InlineData(":scheme")]
    [InlineData(":authority")]
    public async Task PseudoHeaderIsMissing_IsRefusedOrReset(string missing)
    {
        var fields = new Handshake(EdgeProcess.NewDomain()).ToHttp2().Where(field => field.Name != missing).ToList();
        await using var connection = await Http2Client.ConnectAsync(edge.Process.EdgeTls, EdgeProcess.ServerName);
        var stream = await connection.OpenAsync(fields);
        try
        {
            Assert.InRange((await stream.ReadAnswerAsync(body: false)).Status, 400, 499);
        }
        catch (WireCutException)
        {
            // A malformed request is a stream error (RFC 9113 section 8.1.1).
        }

        await edge.AssertRecoveredAsync();
    }

    [Fact]
    public async Task ConnectionSpecificFieldsInHttp2_AreRefusedOrReset()
    {
        await using var connection = await Http2Client.ConnectAsync(edge.Process.EdgeTls, EdgeProcess.ServerName);
        var stream = await connection.OpenAsync(
            [.. new Handshake(EdgeProcess.NewDomain()).ToHttp2(), ("connection", "upgrade"), ("upgrade", "websocket")]);
        try
        {
            Assert.InRange((await stream.ReadAnswerAsync(body: false)).Status, 400, 499);
        }
        catch (WireCutException)
        {
            // A malformed request is a stream error (RFC 9113 section 8.2.2).
        }
    }
}
