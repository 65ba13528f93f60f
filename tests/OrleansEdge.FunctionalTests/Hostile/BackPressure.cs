using System.Diagnostics;
using System.Security.Cryptography;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Hostile;

/// <summary>A side that stops reading: the edge stops reading the other, keeps its memory, serves its neighbours, and goes on exactly.</summary>
public abstract class BackPressure(Way way, int mebibytes)
{
    private const int Block = 1024 * 1024;
    private const long Growth = 24L * 1024 * 1024;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OneSideStopsReading_MemoryStaysAndNothingIsLost(bool up)
    {
        await using var edge = await EdgeProcess.StartAsync();
        await edge.Admin.PutTenantAsync(AdminClient.Tenant);
        await using var warm = await Session.OpenAsync(way, edge);
        var warming = Flow.Start(warm, up, mebibytes: 16);
        Assert.Equal(await warming.ReceiveAsync(), await warming.Sending);
        await using var neighbour = await Session.OpenAsync(way, edge);
        await neighbour.GreetAsync();
        await using var session = await Session.OpenAsync(way, edge, change: document => document.Set("timeoutSeconds", 0));
        var before = edge.ResidentBytes;

        var relaying = Flow.Start(session, up, mebibytes);
        var peak = 0L;
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < 40; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await neighbour.GreetAsync();
            var took = Stopwatch.GetElapsedTime(start);
            slowest = took > slowest ? took : slowest;
            peak = Math.Max(peak, edge.ResidentBytes);
            await neighbour.Client.ExpectSilenceAsync(TimeSpan.FromMilliseconds(25));
        }

        Assert.False(relaying.Sending.IsCompleted, "all was taken although nothing was read");
        Assert.True(peak - before < Growth, $"resident memory grew by {(peak - before) / 1024} KiB");
        Assert.True(slowest < TimeSpan.FromSeconds(0.5) + (2 * Metronome.Lateness), $"a neighbour's round trip took {slowest.TotalMilliseconds} ms");

        var received = await relaying.ReceiveAsync();
        Assert.Equal(await relaying.Sending, received);
        await session.GreetAsync();
        peak = Math.Max(peak, edge.ResidentBytes);
        Assert.True(peak - before < 2 * Growth, $"resident memory grew by {(peak - before) / 1024} KiB while the rest came");
    }

    private sealed class Flow
    {
        public required Task<string> Sending { get; init; }

        public required Func<Task<string>> ReceiveAsync { get; init; }

        public static Flow Start(Session session, bool up, int mebibytes)
        {
            Wire from = up ? session.Client : session.Origin;
            Wire to = up ? session.Origin : session.Client;
            return new Flow { Sending = Task.Run(() => SendAsync(from, up, mebibytes)), ReceiveAsync = () => ReadAsync(to, mebibytes) };
        }

        private static async Task<string> SendAsync(Wire wire, bool up, int mebibytes)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var i = 0; i < mebibytes; i++)
            {
                var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(Block - 14 + (i & 1)), up ? WsFrame.ClientKey : null);
                hash.AppendData(frame);
                await wire.SendAsync(frame);
            }

            return Convert.ToHexString(hash.GetHashAndReset());
        }

        private static async Task<string> ReadAsync(Wire wire, int mebibytes)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var i = 0; i < mebibytes; i++)
            {
                hash.AppendData((await wire.ReadFrameAsync("the flood")).Raw);
            }

            return Convert.ToHexString(hash.GetHashAndReset());
        }
    }
}

public sealed class BackPressureOverHttp1() : BackPressure(Way.Http1, mebibytes: 200);

public sealed class BackPressureOverTls() : BackPressure(Way.Tls, mebibytes: 64);

public sealed class BackPressureOverHttp2() : BackPressure(Way.Http2, mebibytes: 64);
