using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Relay.Transport;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>What an HTTP server must do, over the edge's transport and with the edge's limits.</summary>
public sealed class HttpTests
{
    private const string Request = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

    [Fact]
    public async Task PipelinedRequests_AreAnsweredInOrder()
    {
        await using var server = await EdgeServer.StartAsync(EchoPath);
        using var client = await server.ConnectAsync();
        await client.SendAsync("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        var answers = await client.ReadToEndAsync();

        Assert.Equal(["/1", "/2", "/3"], answers.Split("\r\n").Where(line => line.StartsWith('/')).Select(line => line[..2]));
    }

    [Fact]
    public async Task KeepAlive_ServesRequestAfterRequest()
    {
        await using var server = await EdgeServer.StartAsync(EchoPath);
        using var client = await server.ConnectAsync();
        for (var i = 0; i < 5; i++)
        {
            await client.SendAsync(Request);
            Assert.StartsWith("HTTP/1.1 200", await client.ReadToAsync("0\r\n\r\n"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ExpectContinue_GetsContinueAndThenTheAnswer()
    {
        await using var server = await EdgeServer.StartAsync(EchoBody);
        using var client = await server.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", await client.ReadToAsync("\r\n\r\n"));

        await client.SendAsync("abcd");

        Assert.Contains("abcd", await client.ReadToAsync("0\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChunkedBody_OneByteAtATime_Arrives()
    {
        await using var server = await EdgeServer.StartAsync(EchoBody);
        using var client = await server.ConnectAsync();
        foreach (var c in "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        {
            await client.SendAsync(c.ToString());
        }

        var answer = await client.ReadToAsync("0\r\n\r\n");

        Assert.Equal("abcde", string.Concat(answer.Split("\r\n\r\n", 2)[1].Split("\r\n").Where(line => line.Any(char.IsLetter))));
    }

    [Theory]
    [InlineData(EdgeEndpoints.Edge, "1.1")]
    [InlineData(EdgeEndpoints.EdgeTls, "1.1")]
    [InlineData(EdgeEndpoints.EdgeTls, "2.0")]
    public async Task LargeBodiesBothWays_ArriveWhole(string endpoint, string version)
    {
        using var certificates = new CertificateDirectory();
        certificates.Write("default", "localhost");
        await using var server = await EdgeServer.StartAsync(EchoWholeBody, certificates.Use);
        using var client = NewClient(server, endpoint, version);
        var sent = RandomNumberGenerator.GetBytes(12 * 1024 * 1024);

        using var answer = await client.PostAsync(new Uri("/", UriKind.Relative), new ByteArrayContent(sent));

        Assert.Equal(Version.Parse(version), answer.Version);
        Assert.True((await answer.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(sent));
    }

    [Fact]
    public async Task ClientThatDoesNotRead_IsWaitedForInsteadOfBuffered()
    {
        var written = 0L;
        await using var server = await EdgeServer.StartAsync(async context =>
        {
            var block = new byte[64 * 1024];
            while (written < 64 * 1024 * 1024)
            {
                await context.Response.Body.WriteAsync(block, context.RequestAborted);
                Interlocked.Add(ref written, block.Length);
            }
        });
        using var client = await RawClient.ConnectAsync(server.At(EdgeEndpoints.Edge), socket => socket.ReceiveBufferSize = 64 * 1024);
        await client.SendAsync("GET / HTTP/1.0\r\n\r\n");

        var stalled = await StandsStillAsync(() => Interlocked.Read(ref written));
        var rest = await CountToEndAsync(client);

        Assert.InRange(stalled, 0, 16 * 1024 * 1024);
        Assert.InRange(rest, 64 * 1024 * 1024, 64 * 1024 * 1024 + 1024);
    }

    [Fact]
    public async Task ServerStops_RequestInProgressIsAnsweredFirst()
    {
        var entered = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        await using var server = await EdgeServer.StartAsync(async context =>
        {
            entered.SetResult();
            await go.Task;
            await context.Response.WriteAsync("done");
        });
        using var client = await server.ConnectAsync();
        await client.SendAsync(Request);
        await entered.Task;

        var stop = server.StopAsync();
        go.SetResult();

        Assert.Contains("done", await client.ReadToEndAsync(), StringComparison.Ordinal);
        await stop.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\nHost: x\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: x\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\nA: b\n\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\n")]
    public async Task BareLineFeedInTheHead_Gets400(string head)
    {
        await using var server = await EdgeServer.StartAsync(EchoPath);
        using var client = await server.ConnectAsync();

        await client.SendAsync(head);

        Assert.StartsWith("HTTP/1.1 400", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4\n0123\r\n0\r\n\r\n")]
    [InlineData("4;a=b\n0123\r\n0\r\n\r\n")]
    [InlineData("4\r\n0123\n0\r\n\r\n")]
    public async Task BareLineFeedInAChunk_Gets400(string body)
    {
        await using var server = await EdgeServer.StartAsync(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            await context.Response.WriteAsync("taken");
        });
        using var client = await server.ConnectAsync();

        await client.SendAsync("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body);

        Assert.StartsWith("HTTP/1.1 400", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HeadOf31KiB_IsServed()
    {
        await using var server = await EdgeServer.StartAsync(EchoPath);
        using var client = await server.ConnectAsync();

        await client.SendAsync($"GET / HTTP/1.1\r\nHost: x\r\nA: {new string('a', 31 * 1024)}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HeadOfManySmallFields_IsServed()
    {
        await using var server = await EdgeServer.StartAsync(EchoPath);
        using var client = await server.ConnectAsync();
        var fields = string.Concat(Enumerable.Range(0, 900).Select(i => $"A-{i}: b\r\n"));

        await client.SendAsync($"GET / HTTP/1.1\r\nHost: x\r\n{fields}Connection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FieldsOver32KiB_Get431ThatTheClientCanRead()
    {
        await using var server = await EdgeServer.StartAsync(EchoPath);
        using var client = await server.ConnectAsync();

        await client.SendAsync($"GET / HTTP/1.1\r\nHost: x\r\nA: {new string('a', 200 * 1024)}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 431", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TargetOver32KiB_Gets414()
    {
        await using var server = await EdgeServer.StartAsync(EchoPath);
        using var client = await server.ConnectAsync();

        await client.SendAsync($"GET /{new string('a', 40 * 1024)} HTTP/1.1\r\nHost: x\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 414", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HeadThatDoesNotEnd_Gets408()
    {
        await using var server = await EdgeServer.StartAsync(EchoPath);
        using var client = await server.ConnectAsync();

        await client.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n");

        Assert.StartsWith("HTTP/1.1 408", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_NameNoServer()
    {
        await using var server = await EdgeServer.StartAsync(EchoPath);
        using var client = await server.ConnectAsync();
        await client.SendAsync(Request);

        Assert.DoesNotContain("Server:", await client.ReadToAsync("\r\n\r\n"), StringComparison.OrdinalIgnoreCase);
    }

    internal static HttpClient NewClient(EdgeServer server, string endpoint, string version = "1.1")
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
        };
        return new HttpClient(handler)
        {
            BaseAddress = new Uri($"{(endpoint == EdgeEndpoints.EdgeTls ? "https" : "http")}://localhost:{server.At(endpoint).Port}/"),
            DefaultRequestVersion = Version.Parse(version),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeSpan.FromSeconds(60),
        };
    }

    private static Task EchoPath(HttpContext context) => context.Response.WriteAsync(context.Request.Path.Value! + "\n");

    private static Task EchoBody(HttpContext context) => context.Request.Body.CopyToAsync(context.Response.Body);

    // An HTTP/1.1 client need not read before it has sent everything.
    private static async Task EchoWholeBody(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length));
    }

    // The value once it has not changed for a while. A value that goes on changing ends the test by its own bound.
    private static async Task<long> StandsStillAsync(Func<long> value)
    {
        var (last, unchanged) = (-1L, 0);
        while (unchanged < 10)
        {
            await Task.Delay(50);
            var now = value();
            unchanged = now == last && now > 0 ? unchanged + 1 : 0;
            last = now;
        }

        return last;
    }

    private static async Task<long> CountToEndAsync(RawClient client)
    {
        var buffer = new byte[256 * 1024];
        var total = 0L;
        while (await client.Socket.ReceiveAsync(buffer) is var received and > 0)
        {
            total += received;
        }

        return total;
    }
}
