using System.Buffers.Binary;
using System.Numerics;
using System.Text.Json;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>What gateways counted beside what tenants are billed, once no more comes for it.</summary>
public sealed class ClosedBuckets
{
    private const string Tenant = "closed";
    private const string Totals = "bytesUp bytesDown messagesUp messagesDown sessions sessionMilliseconds";

    [Fact]
    public async Task Reconciliation_GatewaysAndTenantsAgreeWhereBucketsAreClosed()
    {
        var directory = Directory.CreateTempSubdirectory("orleans-edge-closed-").FullName;
        Tally billed;
        await using (var edge = await StartAsync(directory))
        {
            await edge.Admin.PutTenantAsync(Tenant);
            await using var metered = await MeteredDomain.CreateAsync(edge, Way.Http1, Tenant);
            await using var session = await metered.OpenAsync(new Random(1));
            await session.GreetAsync();
            await session.CloseAsync();
            billed = Tally.Of(await session.CloseLineAsync());
            await edge.Admin.WaitForExactUsageAsync(Tenant, metered.Name, billed, Wire.Patience);
            edge.Kill();
            await edge.WaitForExitAsync();
        }

        // The same counters, as those of an hour that is over.
        Array.ForEach(Directory.GetFiles(Path.Combine(directory, "spool"), "*.spool"), MakeOlder);
        await using (var edge = await StartAsync(directory))
        {
            var items = await ReconciledAsync(edge);
            Assert.All(items, item => Assert.Equal(item.GetProperty("gateways").ToString(), item.GetProperty("tenants").ToString()));
            Assert.Equal(billed, items.Aggregate(default(Tally), (sum, item) => sum + Read(item.GetProperty("tenants"))));
        }

        Directory.Delete(directory, recursive: true);
    }

    private static Task<EdgeProcess> StartAsync(string directory)
        => EdgeProcess.StartAsync([MeteredEdge.Setting, "Edge:Name=closed", "Edge:Drain:Delay=0"], directory: directory);

    /// <summary>What there is as soon as there is anything: one call of the gateway reports all of it.</summary>
    private static async Task<List<JsonElement>> ReconciledAsync(EdgeProcess edge)
    {
        var deadline = new Deadline(Wire.Patience);
        while (true)
        {
            var items = (await edge.Admin.GetAsync("/api/v1/reconciliation")).GetProperty("items").EnumerateArray().ToList();
            if (items.Count > 0)
            {
                return items;
            }

            Assert.True(deadline.Left > TimeSpan.Zero, $"no bucket that is closed has usage{deadline}");
            await Task.Delay(25);
        }
    }

    private static Tally Read(JsonElement totals)
    {
        var counts = Totals.Split(' ').Select(name => totals.GetProperty(name).GetInt64()).ToArray();
        return new(counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]);
    }

    /// <summary>Gives a spool file another hour: it stands at byte 16 of the head, whose checksum at byte 8 covers what follows it up to the
    /// gateway's name.</summary>
    private static void MakeOlder(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var hour = bytes.AsSpan(16);
        BinaryPrimitives.WriteInt32LittleEndian(hour, BinaryPrimitives.ReadInt32LittleEndian(hour) - 2);
        var end = 46 + BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(44));
        var checksum = ~0u;
        foreach (var one in bytes.AsSpan(12, end - 12))
        {
            checksum = BitOperations.Crc32C(checksum, one);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), ~checksum);
        File.WriteAllBytes(path, bytes);
    }
}
