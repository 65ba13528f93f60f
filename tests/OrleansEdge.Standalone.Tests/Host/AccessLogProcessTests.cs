using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Host;

public sealed class AccessLogProcessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string LogPath => _folder["access.log"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SessionThroughTheEdge_LeavesALineAtOpenAndOneAtClose()
    {
        await using var edge = await EdgeProcess.StartAsync(new() { Demo = true });
        await VisitAsync(edge);

        var close = await edge.WaitForAccessLogAsync(entry => entry.GetProperty("event").GetString() == "close", "the session's end");
        var open = await edge.WaitForAccessLogAsync(entry => entry.GetProperty("event").GetString() == "open", "the session's begin");
        Assert.Equal(open.GetProperty("id").GetString(), close.GetProperty("id").GetString());
        Assert.Equal("127.0.0.1", close.GetProperty("domain").GetString());
        Assert.Equal("demo", close.GetProperty("tenant").GetString());
        Assert.Equal("/comments", close.GetProperty("path").GetString());
        Assert.Equal("client", close.GetProperty("by").GetString());
        Assert.Equal("client_close", close.GetProperty("cause").GetString());
        Assert.Equal(1000, close.GetProperty("originCode").GetInt32());
        Assert.Equal(1, close.GetProperty("messagesUp").GetInt64());
        Assert.InRange(close.GetProperty("durationMilliseconds").GetInt64(), 0, 60_000);
    }

    [Fact]
    public async Task FileIsRotatedAndSigHupSent_LaterLinesAreInTheNewFileAndTheProcessLives()
    {
        await using var edge = await EdgeProcess.StartAsync(new()
        {
            Demo = true,
            Settings = new Dictionary<string, string> { ["Edge:AccessLog:Path"] = LogPath, ["Edge:Drain:Delay"] = "0" },
        });
        await VisitAsync(edge);
        await WaitForCloseAsync(LogPath);
        File.Move(LogPath, LogPath + ".1");
        using (var hangup = Process.Start("kill", ["-HUP", $"{edge.Process.Id}"]))
        {
            await hangup.WaitForExitAsync();
        }

        await VisitAsync(edge);
        await WaitForCloseAsync(LogPath);
        edge.Process.Terminate();
        Assert.Equal(0, await edge.Process.WaitForExitAsync());

        Assert.Equal(["open", "close"], Events(LogPath + ".1"));
        Assert.Equal(["open", "close"], Events(LogPath));
        Assert.Empty(edge.AccessLog());
    }

    [Fact]
    public async Task EdgeIsStoppedWithASessionOpen_ItsEndIsInTheLog()
    {
        await using var edge = await EdgeProcess.StartAsync(new()
        {
            Demo = true,
            Settings = new Dictionary<string, string> { ["Edge:AccessLog:Path"] = LogPath, ["Edge:Drain:Delay"] = "0" },
        });
        using var viewer = await DemoClient.ConnectAsync(edge.Edge);
        edge.Process.Terminate();
        Assert.Equal((WebSocketCloseStatus)1012, await viewer.EndAsync());
        await viewer.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
        Assert.Equal(0, await edge.Process.WaitForExitAsync());

        Assert.Equal(["open", "close"], Events(LogPath));
        Assert.Contains("\"cause\":\"edge_draining\"", await File.ReadAllTextAsync(LogPath), StringComparison.Ordinal);
    }

    private static async Task VisitAsync(EdgeProcess edge)
    {
        using var viewer = await DemoClient.ConnectAsync(edge.Edge);
        await viewer.CommentAsync("Ada", "Hello");
        await viewer.NextAsync("comment");
        await viewer.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
    }

    private static IEnumerable<string?> Events(string path)
        => File.ReadLines(path).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString());

    private static async Task WaitForCloseAsync(string path)
    {
        using var late = new CancellationTokenSource(OutputLines.DefaultDeadline);
        while (!File.Exists(path) || !(await File.ReadAllTextAsync(path, late.Token)).Contains("\"event\":\"close\"", StringComparison.Ordinal))
        {
            await Task.Delay(50, late.Token);
        }
    }
}
