using System.Net;
using System.Net.WebSockets;
using OrleansEdge.Standalone.Demo;

namespace OrleansEdge.Standalone.Tests.Host;

public sealed class DemoServerTests : IAsyncLifetime
{
    private DemoServer _demo = null!;

    public async Task InitializeAsync() => _demo = (await DemoServer.StartAsync(0, TimeProvider.System, default))!;

    public Task DisposeAsync() => _demo.DisposeAsync().AsTask();

    [Fact]
    public async Task TwoViewers_SeeEachOthersComments()
    {
        using var ada = await DemoClient.ConnectAsync(_demo.Port);
        using var bob = await DemoClient.ConnectAsync(_demo.Port);
        await ada.NextAsync("viewers", message => (int)message["viewers"]! == 2);

        await ada.CommentAsync("Ada", "Hello <b>Bob</b>");
        foreach (var viewer in (DemoClient[])[ada, bob])
        {
            var comment = await viewer.NextAsync("comment");
            Assert.Equal("Ada", (string?)comment["name"]);
            Assert.Equal("Hello <b>Bob</b>", (string?)comment["text"]);
        }
    }

    [Fact]
    public async Task Newcomer_GetsTheLastFiftyComments()
    {
        for (var viewer = 0; viewer < 6; viewer++)
        {
            using var client = await DemoClient.ConnectAsync(_demo.Port);
            for (var i = 0; i < DemoViewer.Burst; i++)
            {
                await client.CommentAsync("Ada", $"{(viewer * DemoViewer.Burst) + i}");
                await client.NextAsync("comment");
            }
        }

        using var newcomer = await DemoClient.ConnectAsync(_demo.Port);
        var comments = newcomer.Welcome["comments"]!.AsArray().Select(comment => (string?)comment!["text"]);
        Assert.Equal(Enumerable.Range(10, 50).Select(i => $"{i}"), comments);
    }

    [Fact]
    public async Task ViewerLeaves_TheOthersSeeFewer()
    {
        using var ada = await DemoClient.ConnectAsync(_demo.Port);
        using (var bob = await DemoClient.ConnectAsync(_demo.Port))
        {
            await ada.NextAsync("viewers", message => (int)message["viewers"]! == 2);
            await bob.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
            Assert.Equal(WebSocketCloseStatus.NormalClosure, bob.Socket.CloseStatus);
        }

        await ada.NextAsync("viewers", message => (int)message["viewers"]! == 1);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"type":"other"}""")]
    [InlineData("""{"type":"comment","name":"Ada","text":"   "}""")]
    public async Task MessageThatIsNoComment_IsAnsweredByAnError(string message)
    {
        using var client = await DemoClient.ConnectAsync(_demo.Port);
        await client.SendAsync(message);
        Assert.NotEmpty((string?)(await client.NextAsync("error"))["text"] ?? "");
    }

    [Fact]
    public async Task LongNameIsCut_LongTextIsRefused()
    {
        using var client = await DemoClient.ConnectAsync(_demo.Port);
        await client.CommentAsync(new string('n', 100), new string('t', DemoMessages.MaxTextLength + 1));
        await client.NextAsync("error");
        await client.CommentAsync(new string('n', 100), "short");
        Assert.Equal(new string('n', DemoMessages.MaxNameLength), (string?)(await client.NextAsync("comment"))["name"]);
    }

    [Fact]
    public async Task HugeMessage_EndsTheConnectionWith1009()
    {
        using var client = await DemoClient.ConnectAsync(_demo.Port);
        await client.SendAsync(new string('x', DemoViewer.MaxMessageBytes + 1));
        Assert.Equal((WebSocketCloseStatus)1009, await client.EndAsync());
    }

    [Fact]
    public async Task TooManyComments_AreRefused()
    {
        using var client = await DemoClient.ConnectAsync(_demo.Port);
        for (var i = 0; i < 3 * DemoViewer.Burst; i++)
        {
            await client.CommentAsync("Ada", "again");
        }

        Assert.Contains("Too many", (string?)(await client.NextAsync("error"))["text"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task DemoStops_ViewersGet1001()
    {
        var demo = (await DemoServer.StartAsync(0, TimeProvider.System, default))!;
        using var client = await DemoClient.ConnectAsync(demo.Port);
        var stopping = demo.DisposeAsync();
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, await client.EndAsync());
        Assert.Equal("demo stops", client.Socket.CloseStatusDescription);
        await client.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
        await stopping;
    }

    [Fact]
    public async Task PortIsTaken_ThereIsNoSecondServer()
        => Assert.Null(await DemoServer.StartAsync(_demo.Port, TimeProvider.System, default));

    [Fact]
    public async Task Page_LoadsNothingFromElsewhereAndRunsOnlyItsOwnScript()
    {
        using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{_demo.Port}") };
        using var answer = await http.GetAsync(new Uri("/", UriKind.Relative));
        var html = await answer.Content.ReadAsStringAsync();

        Assert.Equal("text/html; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        Assert.Contains("script-src 'sha256-", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.DoesNotContain(" src=", html, StringComparison.Ordinal);
        Assert.DoesNotContain("innerHTML", html, StringComparison.Ordinal);
        Assert.Contains("name=\"viewport\"", html, StringComparison.Ordinal);
        Assert.Contains("lang=\"en\"", html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/nothing", HttpStatusCode.NotFound)]
    [InlineData("GET", "/comments", HttpStatusCode.UpgradeRequired)]
    [InlineData("POST", "/", HttpStatusCode.MethodNotAllowed)]
    [InlineData("HEAD", "/", HttpStatusCode.OK)]
    public async Task OtherRequests_AreAnsweredProperly(string method, string path, HttpStatusCode status)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"http://127.0.0.1:{_demo.Port}{path}"));
        using var answer = await http.SendAsync(request);
        Assert.Equal(status, answer.StatusCode);
    }

    [Fact]
    public void RecordThatCannotBeRead_CountsAsSetUpLongAgo()
    {
        using var folder = new TemporaryFolder();
        var record = new DemoRecord(folder.Path);
        Assert.Null(record.Read());
        record.Write(new(8090, IsSetUp: false));
        Assert.Equal(new DemoState(8090, IsSetUp: false), record.Read());
        File.WriteAllText(folder["demo.json"], "{ broken");
        Assert.True(record.Read()!.IsSetUp);
    }
}
