using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Hostile;

/// <summary>A process that takes what hostile peers do, and shows afterwards that it is as before.</summary>
public sealed class HostileEdge : IAsyncLifetime
{
    private const long MemorySlack = 64L * 1024 * 1024;
    private const int DescriptorSlack = 12;

    private long _resident;
    private int _descriptors;

    public EdgeProcess Process { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Process = await EdgeProcess.StartAsync(["Edge:Origin:HandshakeTimeout=00:00:03"]);
        await Process.Admin.PutTenantAsync(AdminClient.Tenant);
        await WarmUpAsync();
        _resident = Process.ResidentBytes;
        _descriptors = Process.Descriptors;
    }

    public async Task DisposeAsync() => await Process.DisposeAsync();

    /// <summary>The edge serves each way, and its descriptors and memory are back.</summary>
    public async Task AssertRecoveredAsync()
    {
        Assert.False(Process.HasExited, $"the edge has exited: {Process.Errors()}");
        foreach (var way in Enum.GetValues<Way>())
        {
            await using var session = await Session.OpenAsync(way, Process);
            await session.GreetAsync();
        }

        var descriptors = await WaitForAsync(() => Process.Descriptors, now => now <= _descriptors + DescriptorSlack);
        Assert.True(descriptors <= _descriptors + DescriptorSlack, $"{descriptors} descriptors are open, {_descriptors} before");
        var resident = await WaitForAsync(() => Process.ResidentBytes, now => now <= _resident + MemorySlack);
        Assert.True(resident <= _resident + MemorySlack, $"{resident >> 20} MiB are resident, {_resident >> 20} before");
    }

    /// <summary>As many sessions at once as a test has, so that the heap has its size before anything hostile happens.</summary>
    private async Task WarmUpAsync()
    {
        foreach (var way in Enum.GetValues<Way>())
        {
            await using var first = await Session.OpenAsync(way, Process);
            for (var round = 0; round < 3; round++)
            {
                var opening = Enumerable.Range(0, 30).Select(_ => Session.OpenAsync(Process, way, first.Listener, first.Domain)).ToList();
                foreach (var session in await Task.WhenAll(opening))
                {
                    await session.DisposeAsync();
                }
            }

            await first.GreetAsync();
            await first.PassDownAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(500_000)));
            await Process.Admin.WaitForSessionsAsync(first.Domain, 1);
        }
    }

    /// <summary>Asks again until a value is as wished, for at most fifteen seconds; the last value.</summary>
    private static async Task<T> WaitForAsync<T>(Func<T> read, Func<T, bool> wished)
    {
        var deadline = new Deadline(Wire.Patience);
        var value = read();
        while (!wished(value) && deadline.Left > TimeSpan.Zero)
        {
            await Task.Delay(100);
            value = read();
        }

        return value;
    }
}
