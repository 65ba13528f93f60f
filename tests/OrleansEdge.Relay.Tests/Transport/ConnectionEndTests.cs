using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Relay.Transport;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>How connections end.</summary>
public sealed class ConnectionEndTests
{
    private const string Request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ClientGoesDuringARequest_TheRequestIsAborted(bool byReset)
    {
        var entered = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        await using var server = await EdgeServer.StartAsync(async context =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            entered.SetResult();
            await aborted.Task;
        });
        using var client = await server.ConnectAsync();
        await client.SendAsync(Request);
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(20));

        if (byReset)
        {
            client.Reset();
        }
        else
        {
            client.Dispose();
        }

        await aborted.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>What is written between the two is dropped, and must not be billed.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ClientGoesDuringARequest_TheConnectionSaysSoBeforeTheRequestDoes(bool byReset)
    {
        var entered = new TaskCompletionSource();
        var seen = new TaskCompletionSource<(bool IsGone, bool IsAborted)>();
        await using var server = await EdgeServer.StartAsync(async context =>
        {
            var connection = context.Features.GetRequiredFeature<IEdgeConnection>();
            Assert.False(connection.IsGone);

            // Who registers last is told first: the HTTP server, which aborts the request, comes after this.
            var closed = context.Features.GetRequiredFeature<IConnectionLifetimeFeature>().ConnectionClosed;
            closed.Register(() => seen.SetResult((connection.IsGone, context.RequestAborted.IsCancellationRequested)));
            entered.SetResult();
            await seen.Task;
        });
        using var client = await server.ConnectAsync();
        await client.SendAsync(Request);
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(20));

        if (byReset)
        {
            client.Reset();
        }
        else
        {
            client.Dispose();
        }

        Assert.Equal((true, false), await seen.Task.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task RequestIsAborted_ClientIsReset()
    {
        await using var server = await EdgeServer.StartAsync(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        using var client = await server.ConnectAsync();
        await client.SendAsync(Request);

        var e = await Assert.ThrowsAsync<SocketException>(() => client.ReadToEndAsync());
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
    }

    [Fact]
    public async Task RefusedWhileTheBodyIsStillComing_ClientReadsTheWholeAnswer()
    {
        var body = new string('x', 200_000);
        await using var server = await EdgeServer.StartAsync(context => context.Response.WriteAsync(body));
        using var client = await server.ConnectAsync();
        // The second head is malformed, so the server answers and closes with everything behind it unread.
        await client.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET bad\r\n\r\n" + new string('y', 1_000_000));

        var answer = await client.ReadToEndAsync();

        Assert.Contains(body, Unchunked(answer), StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 400", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientNeverEnds_TheSocketIsClosedAfterTwoSeconds()
    {
        var time = new ManualTimeProvider();
        await using var server = await EdgeServer.StartAsync(
            context => context.Response.WriteAsync("x"), services: services => services.AddSingleton<TimeProvider>(time));
        var lingering = server.Services.GetRequiredService<LingeringClose>();
        using var client = await server.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        await client.ReadToEndAsync();
        await time.WhenArmedAsync(LingeringClose.Patience);
        Assert.Equal(1, lingering.Count);

        time.Advance(LingeringClose.Patience);

        await UntilAsync(() => lingering.Count == 0);
    }

    [Fact]
    public async Task ClientEnds_TheSocketIsClosedAtOnce()
    {
        await using var server = await EdgeServer.StartAsync(context => context.Response.WriteAsync("x"));
        var lingering = server.Services.GetRequiredService<LingeringClose>();
        using var client = await server.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        await client.ReadToEndAsync();

        client.Dispose();

        await UntilAsync(() => lingering.Count == 0);
    }

    [Fact]
    public async Task AddressInUse_StartFailsWithOneSentence()
    {
        await using var first = await EdgeServer.StartAsync(_ => Task.CompletedTask);
        var taken = first.At(EdgeEndpoints.Edge).Port;

        var e = await Assert.ThrowsAsync<IOException>(() => EdgeServer.StartAsync(
            _ => Task.CompletedTask, settings => settings["Kestrel:Endpoints:Edge:Url"] = $"http://127.0.0.1:{taken}"));

        Assert.Contains("address already in use", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WildcardAddress_ServesIPv4AndNamesItSo()
    {
        await using var server = await EdgeServer.StartAsync(
            context => context.Response.WriteAsync($"<{context.Connection.RemoteIpAddress}>"),
            settings => settings["Kestrel:Endpoints:Edge:Url"] = "http://*:0");
        using var client = await server.ConnectAsync();
        await client.SendAsync(Request);

        await client.ReadToAsync("<127.0.0.1>");
        Assert.StartsWith("http://*:", server.Services.GetRequiredService<EndpointAddresses>().List()[0].Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IdleConnection_HoldsNoInputBuffer()
    {
        var pool = new CountingPool();
        await using var server = await EdgeServer.StartAsync(
            context => context.Response.WriteAsync("x"), services: services => services.AddSingleton<Microsoft.AspNetCore.Connections.IMemoryPoolFactory<byte>>(pool));
        using var client = await server.ConnectAsync();
        await client.SendAsync(Request);
        await client.ReadToAsync("0\r\n\r\n");

        await UntilAsync(() => pool.Rented == 0);
        Assert.True(pool.EverRented > 0);
    }

    internal static async Task UntilAsync(Func<bool> condition, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            if (late.IsCancellationRequested)
            {
                throw new TimeoutException($"It never came true: {what}");
            }

            await Task.Delay(5);
        }
    }

    private static string Unchunked(string answer)
    {
        var body = new StringBuilder();
        var rest = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        while (Convert.ToInt32(rest[..rest.IndexOf("\r\n", StringComparison.Ordinal)], 16) is var size and > 0)
        {
            var start = rest.IndexOf("\r\n", StringComparison.Ordinal) + 2;
            body.Append(rest, start, size);
            rest = rest[(start + size + 2)..];
        }

        return body.ToString();
    }
}
