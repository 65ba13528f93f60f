using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Host;

public sealed class DemoStartTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task FirstStart_TheDemoWorksThroughTheEdgeAndStillDoesAfterARestart()
    {
        var port = 0;
        for (var start = 0; start < 2; start++)
        {
            await using var edge = await StartAsync();
            using var ada = await DemoClient.ConnectAsync(edge.Edge);
            using var bob = await DemoClient.ConnectAsync(new UriBuilder(edge.Edge) { Host = "localhost" }.Uri);
            await ada.CommentAsync("Ada", "Hello");
            Assert.Equal("Hello", (string?)(await bob.NextAsync("comment"))["text"]);
            var documented = await OriginPortAsync(edge, "localhost");
            Assert.Equal(documented, await OriginPortAsync(edge, "127.0.0.1"));
            Assert.Equal(start == 0 ? documented : port, documented);
            port = documented;
            await StopAsync(edge);
        }
    }

    [Fact]
    public async Task PreferredPortIsTaken_AFreeOneIsInTheDocuments()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        await using var edge = await StartAsync(("Edge:Demo:Port", $"{port}"));
        Assert.NotEqual(port, await OriginPortAsync(edge, "localhost"));
        using var viewer = await DemoClient.ConnectAsync(edge.Edge);
    }

    [Fact]
    public async Task PortOfTheDocumentsIsTakenLater_TheEdgeWarnsAndServes()
    {
        int port;
        await using (var edge = await StartAsync(("Edge:Demo:Port", $"{FreePort.Find()}")))
        {
            port = await OriginPortAsync(edge, "localhost");
            await StopAsync(edge);
        }

        using var taken = new TcpListener(IPAddress.Loopback, port);
        taken.Start();
        await using var again = await StartAsync();
        Assert.Contains(again.Process.Errors.Snapshot(), line => line.Contains($"its port {port} is taken", StringComparison.Ordinal));
        Assert.Equal(port, await OriginPortAsync(again, "localhost"));
    }

    [Fact]
    public async Task DemoIsDeleted_ItDoesNotComeBack()
    {
        await using (var edge = await StartAsync())
        {
            foreach (var path in (string[])["domains/localhost", "domains/127.0.0.1", "tenants/demo"])
            {
                using var answer = await edge.Admin.Http.DeleteAsync(new Uri(path, UriKind.Relative));
                Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            }

            await StopAsync(edge);
        }

        await using var again = await StartAsync();
        Assert.Empty(await ListAsync(again, "domains"));
        Assert.Empty(await ListAsync(again, "tenants"));
        Assert.DoesNotContain(again.Process.Output.Snapshot(), line => line.StartsWith("  page", StringComparison.Ordinal));
    }

    [Fact]
    public async Task DirectoryHasDocumentsPutThereByHand_NoDemoIsAdded()
    {
        Directory.CreateDirectory(_folder["data/tenants"]);
        await File.WriteAllTextAsync(_folder["data/tenants/acme.json"], """{"tenant":"acme"}""");
        await using var edge = await StartAsync();
        Assert.Equal("acme", Assert.Single(await ListAsync(edge, "tenants")).GetProperty("tenant").GetString());
        Assert.Empty(await ListAsync(edge, "domains"));
    }

    [Fact]
    public async Task DemoIsOff_NothingIsSetUp()
    {
        await using var edge = await StartAsync(("Edge:Demo:Enabled", "false"));
        Assert.Empty(await ListAsync(edge, "domains"));
        Assert.False(File.Exists(_folder["data/demo.json"]));
    }

    private Task<EdgeProcess> StartAsync(params (string Key, string Value)[] settings) => EdgeProcess.StartAsync(new()
    {
        Demo = true,
        DataDirectory = _folder.Sub("data"),
        Settings = settings.Append(("Edge:Drain:Delay", "0")).ToDictionary(setting => setting.Item1, setting => setting.Item2),
    });

    private static async Task StopAsync(EdgeProcess edge)
    {
        edge.Process.Terminate();
        Assert.Equal(0, await edge.Process.WaitForExitAsync());
    }

    private static async Task<int> OriginPortAsync(EdgeProcess edge, string domain)
    {
        using var document = JsonDocument.Parse(await edge.Admin.Http.GetStringAsync(new Uri($"domains/{domain}", UriKind.Relative)));
        var origin = Assert.Single(document.RootElement.GetProperty("origins").EnumerateArray());
        Assert.Equal("127.0.0.1", origin.GetProperty("address").GetString());
        return origin.GetProperty("httpPort").GetInt32();
    }

    private static async Task<IReadOnlyList<JsonElement>> ListAsync(EdgeProcess edge, string path)
    {
        var page = JsonDocument.Parse(await edge.Admin.Http.GetStringAsync(new Uri(path, UriKind.Relative)));
        return [.. page.RootElement.GetProperty("items").EnumerateArray()];
    }
}
